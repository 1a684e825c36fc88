"""InceptionIQA against torchvision's own network, and the layers that it trains."""

import pytest
import torch
import torchvision

from vqa.models.inception_iqa import LAYERS, TRAINED, InceptionIQA
from vqa.models.pretrained.normalisation import IMAGENET_MEAN, IMAGENET_STD, inception_input


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return InceptionIQA()


@pytest.fixture(scope="module")
def images():
    # Smaller than the network's usual input, to save time.
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, 3, 107, 107), generator=generator).byte()


def imagenet_normalised(images):
    """Normalise images with torchvision's own transform."""
    return torchvision.transforms.functional.normalize(
        images.float() / 255, IMAGENET_MEAN, IMAGENET_STD
    )


@torch.inference_mode()
def test_scores_match_torchvisions_network_with_transform_input(network, images):
    theirs = torchvision.models.inception_v3(
        weights=None, init_weights=False, transform_input=True, num_classes=1
    ).eval()
    theirs.load_state_dict(network.inception.state_dict(), strict=False)
    network.eval()
    wanted = theirs(imagenet_normalised(images))[:, 0]
    torch.testing.assert_close(network(images), wanted, rtol=1e-5, atol=1e-6)
    # The scores of a random network hardly differ, but its first maps do.
    seen = network.inception.Conv2d_1a_3x3(inception_input(images))
    literal = theirs.Conv2d_1a_3x3(theirs._transform_input(imagenet_normalised(images)))
    torch.testing.assert_close(seen, literal, rtol=1e-4, atol=1e-5)
    assert torch.equal(network(images.float()), network(images))
    assert torch.equal(network.timeline(images), network(images)[:, None])


def test_layers_are_listed_in_the_order_of_torchvision(network):
    names = [name for name, _ in network.inception.named_children()]
    assert names == [*LAYERS, "dropout", "fc"]


def test_only_the_layers_before_mixed_5c_and_the_output_are_trained(network, images):
    trained = {
        name.split(".")[1] for name, part in network.named_parameters() if part.requires_grad
    }
    assert trained == {
        *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"),
        *("Mixed_5b", "fc"),
    }
    assert trained < set(TRAINED)
    network.train()
    statistics = {k: v.clone() for k, v in network.named_buffers() if k.endswith("running_mean")}
    network(images).sum().backward()
    for name, part in network.named_parameters():
        assert (part.grad is not None) == part.requires_grad, name
        if part.grad is not None:
            # Batch normalisation removes shifts before it, so some gradients are only noise.
            assert part.grad.abs().sum() > 0, name
    moved = dict(network.named_buffers())
    assert all(not torch.equal(moved[key], before) for key, before in statistics.items())
    network.zero_grad()


def test_images_of_another_layout_are_refused(network):
    with pytest.raises(ValueError, match=r"expected images \(B, 3, H, W\), found \(2, 99, 99, 3\)"):
        network(torch.zeros(2, 99, 99, 3))


@pytest.mark.slow
def test_a_batch_can_be_learned():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(4, 3, 139, 139, generator=generator)
    strength = torch.linspace(5, 60, 4)
    images = (128 + strength.view(-1, 1, 1, 1) * noise).clamp(0, 255).byte()
    target = torch.linspace(1, 0, 4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = InceptionIQA(dropout=0.0).train()
        optimizer = torch.optim.Adam(network.parameters(), 3e-4)
        losses = []
        for _ in range(14):
            loss = torch.nn.functional.mse_loss(network(images), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
