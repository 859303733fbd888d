"""Computing: the device, batches that fit, tensors read when needed, compiled loops."""
