"""Pretrained networks: weights, input normalisation, backbones, devices."""
