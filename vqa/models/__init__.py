"""Pure networks: `torch.nn.Module` without Lightning, one paper per file."""
