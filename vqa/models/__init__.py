"""Networks as plain `torch.nn.Module`, one paper per file, their losses, and the SVR."""
