"""What the commands are made of: options, parameters, the contract of every step."""
