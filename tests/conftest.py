"""What holds for all tests."""

import torch

# The tests' tensors are small: on busy cores, sharing them out makes steps many times slower.
torch.set_num_threads(1)
