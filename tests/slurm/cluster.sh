#!/usr/bin/env bash
# A Slurm of two nodes with two GPUs each, all on this machine, for as long as standard input is
# open: `tests/slurm/cluster.sh FOLDER` says "up" when it takes jobs, and takes everything down at
# the end of input, which comes even if whoever opened it was killed. No systemd, no slurmdbd; the
# GPUs are character devices with nothing behind them. Everything lies in FOLDER, but for three
# links in /etc/slurm: the steps of snakemake-executor-plugin-slurm-jobstep look nowhere else.
set -euo pipefail

folder=$1
links=(slurm.conf gres.conf cgroup.conf)
daemons=()
export PATH=$PATH:/usr/sbin
export SLURM_CONF=$folder/slurm.conf

write_configuration() {
  local host node port=16818
  host=$(hostname -s)
  cat >"$folder/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdSpoolDir=$folder/spool.%n
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory,CR_LLN
SchedulerParameters=batch_sched_delay=0,sched_interval=1
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
ReturnToService=2
MinJobAge=86400
KillWait=5
MessageTimeout=60
TCPTimeout=30
BatchStartTimeout=120
UnkillableStepTimeout=300
PartitionName=units Nodes=gpu[1-2] Default=YES
CONF
  : >"$folder/gres.conf"
  for node in gpu1 gpu2; do
    mkdir -p "$folder/devices/$node" "$folder/spool.$node"
    echo "NodeName=$node NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port++))" \
      "CPUs=2 RealMemory=16000 Gres=gpu:2" >>"$folder/slurm.conf"
    # A plain file is no device to Slurm, and the number in its name is the GPU's.
    mknod "$folder/devices/$node/nvidia0" c 1 3
    mknod "$folder/devices/$node/nvidia1" c 1 3
    echo "NodeName=$node Name=gpu File=$folder/devices/$node/nvidia[0-1]" >>"$folder/gres.conf"
  done
  echo "CgroupPlugin=cgroup/v1" >"$folder/cgroup.conf"
  head -c 1024 /dev/urandom >"$folder/munge.key"
  chmod 400 "$folder/munge.key"
}

start() { # NAME COMMAND...: a daemon in the foreground, its words in FOLDER/NAME.log
  "${@:2}" </dev/null >"$folder/$1.log" 2>&1 &
  daemons+=($!)
}

until_true() { # COMMAND...: within a minute
  local end=$((SECONDS + 60))
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS > end)); then return 1; fi
    sleep 0.1
  done
}

idle_nodes() { [[ $(sinfo --noheader --format=%D --states=idle) == 2 ]]; }
no_jobs() { [[ -z $(squeue --noheader) ]]; }

take_down() {
  trap '' INT TERM
  scancel --signal=KILL --full --user=root 2>/dev/null || true
  scancel --user=root 2>/dev/null || true
  until_true no_jobs || true
  # While the links point to a dead controller every snakemake on this machine waits ten seconds.
  for link in "${links[@]}"; do
    if [[ $(readlink "/etc/slurm/$link") == "$folder/$link" ]]; then rm "/etc/slurm/$link"; fi
  done
  if ((${#daemons[@]})); then
    kill "${daemons[@]}" 2>/dev/null || true
    wait "${daemons[@]}" 2>/dev/null || true
  fi
}

mkdir -p "$folder/state" /etc/slurm
trap take_down EXIT
write_configuration
start munged munged --foreground --force --key-file="$folder/munge.key" \
  --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
  --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
until_true test -S "$folder/munge.socket"
start slurmctld slurmctld -D -f "$SLURM_CONF"
start gpu1 slurmd -D -f "$SLURM_CONF" -N gpu1
start gpu2 slurmd -D -f "$SLURM_CONF" -N gpu2
until_true idle_nodes
for link in "${links[@]}"; do ln -s "$folder/$link" "/etc/slurm/$link"; done
echo up
cat >/dev/null
