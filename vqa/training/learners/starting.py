"""Initial weights of a network: published ones, or those of an earlier run."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from torchvision.models.video import Swin3D_T_Weights

from vqa.models.fastvqa import FastVQA
from vqa.models.pretrained.weights import WeightsError, local_state, published_state

KINETICS = Swin3D_T_Weights.KINETICS400_V1
REMEDY = (
    "give a local file with model.start.weights=/path/to/file.pth, or train from scratch with "
    "model.start.weights=random"
)


def published_swin(network: nn.Module, weights: str = "kinetics400", head: bool = False) -> None:
    """Fill the Video Swin of a FAST-VQA or CLiF-VQA network, in place.

    Args:
        network: A `FastVQA`, or a network that has one as `spatial`; if that is None, nothing is
            done.
        weights: `kinetics400` (torchvision's, downloaded by its own loader), a local file in the
            layout of torchvision, Video Swin or FAST-VQA, or `random` to keep the weights.
        head: Also load FAST-VQA's two convolutions from the file.

    Raises:
        WeightsError: The weights are not available, or belong to another network.
    """
    spatial = getattr(network, "spatial", network)
    if weights == "random" or spatial is None:
        return
    if weights == "kinetics400":
        state = published_state(KINETICS, "the Kinetics-400 weights of Video Swin-T", REMEDY)
    else:
        state = local_state(weights, REMEDY)
    if head and not any(key.startswith("vqa_head.") for key in state):
        raise WeightsError(
            f"{weights} has no FAST-VQA head; set model.start.head=false to load only its Swin"
        )
    target = spatial.backbone
    try:
        source = type(target).from_published(
            state, window_size=target.window_size, gated_stages=target.gated_stages
        )
        target.load_state_dict(source.state_dict())
        if head:
            spatial.head.load_state_dict(FastVQA.published_head(state))
    except (ValueError, RuntimeError) as error:
        cause = " ".join(str(error).split())[:300]
        raise WeightsError(f"{weights} does not fit this network: {cause}") from error


def trained_parts(
    network: nn.Module, state: Mapping[str, Tensor], parts: Sequence[str] | None = None
) -> None:
    """Fill a network, or some of its parts, from a trained network of the same shape, in place.

    Args:
        network: The network to fill.
        state: State of the trained network.
        parts: First words of the parameters to load, such as `spatial`; None loads all.

    Raises:
        WeightsError: Names or shapes differ.
    """
    chosen = {
        key: value for key, value in state.items() if parts is None or key.split(".")[0] in parts
    }
    own = network.state_dict()
    wanted = {key for key in own if parts is None or key.split(".")[0] in parts}
    absent = sorted(
        (set(parts or ()) - {key.split(".")[0] for key in chosen}) | (wanted - set(chosen))
    )
    other = sorted(
        key for key, value in chosen.items() if key not in own or own[key].shape != value.shape
    )
    if absent or other:
        raise WeightsError(
            f"the run of init_from has a different network: it lacks {absent[:3]} and differs in "
            f"{other[:3]}; train with the same model settings, or name the parts that match with "
            "init_parts=[spatial]"
        )
    network.load_state_dict(chosen, strict=False)
