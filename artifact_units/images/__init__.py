"""Images: sets of them as shards, real ones from anywhere, the latent of an id, features."""
