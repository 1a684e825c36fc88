"""CLIP on windows against a literal pass, with the toy CLIP of the package."""

import json
import math
import shutil

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from vqa.commands.building import build as build_from
from vqa.commands.configuration import compose, resolved
from vqa.features.clip_windows import enlarge, paint, window_corners
from vqa.features.descriptions import PUBLISHED, read_descriptions
from vqa.features.openclip import OpenClipWindows
from vqa.models.pretrained.clip_network import TOY, known_architecture
from vqa.models.pretrained.weights import WeightsError

SIDE = 96  # of the toy CLIP's windows, in pixels
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
FEW = {"light": ["bright image block", "dark image block"], "mood": ["sad block", "calm block"]}
SENTENCES = [*FEW["light"], *FEW["mood"]]


@pytest.fixture(scope="module")
def clip():
    """The toy network itself, with weights large enough for windows to differ."""
    generator = torch.Generator().manual_seed(1)
    with torch.random.fork_rng(devices=[]):  # independent of other tests
        torch.manual_seed(1)
        model = open_clip.create_model(known_architecture("toy"), pretrained_hf=False).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
        model.logit_scale.fill_(math.log(100))
    return model


@pytest.fixture(scope="module")
def weights(clip, tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "toy.safetensors"
    save_file(clip.state_dict(), path)
    return str(path)


@pytest.fixture(scope="module")
def build(weights):
    def build(**options):
        settings = {"weights": weights, "descriptions": FEW, "device": "cpu"} | options
        return OpenClipWindows("toy", **settings)

    return build


@pytest.fixture(scope="module")
def nine(build):
    return build()


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)


def smooth(frames, height, width, seed=0):
    """Return frames of coarse blocks, so that windows differ by more than noise."""
    blocks = noise(frames, -(-height // 24), -(-width // 24), seed=seed)
    return blocks.repeat(24, 1).repeat(24, 2)[:, :height, :width]


@torch.no_grad()
def literal(clip, frames, count, groups=((0, 1, 2, 3),)):
    """Compute one window, one cosine, one exponential at a time: (T, W, r)."""
    texts = clip.encode_text(open_clip.get_tokenizer("toy_clip")(SENTENCES))
    texts = [text / math.sqrt(sum(text**2)) for text in texts]
    values = []
    for frame in frames:
        for top, left in window_corners(*frame.shape[:2], count, SIDE):
            block = torch.from_numpy(frame[top : top + SIDE, left : left + SIDE].copy())
            image = torch.stack(
                [(block[..., c] / 255 - MEAN[c]) / STD[c] for c in range(3)]
            ).unsqueeze(0)
            seen = clip.encode_image(image)[0]
            seen = seen / math.sqrt(sum(seen**2))
            raised = [math.exp(100 * float(seen @ text)) for text in texts]
            row = [0.0] * len(texts)
            for group in groups:
                for k in group:
                    row[k] = raised[k] / sum(raised[other] for other in group)
            values.append(row)
    return torch.tensor(values).view(len(frames), count, len(texts))


def pooled(values):
    """Pool with plain loops over frames and descriptions."""
    rows = []
    for frame in values:
        columns = [[float(window[k]) for window in frame] for k in range(frame.shape[1])]
        rows.append([sum(c) / len(c) for c in columns] + [max(c) for c in columns])
    return torch.tensor(rows)


def near(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(130, 170), (170, 131), (96, 96), (97, 200)])
def test_features_are_means_and_maxima_of_the_softmax(clip, nine, height, width):
    frames = smooth(2, height, width)
    wanted = literal(clip, frames, 9)
    features = nine(frames)
    assert features.dtype == torch.float32
    assert features.shape == (2, nine.dim) == (2, 8)
    near(features, pooled(wanted))
    if height > SIDE:
        assert wanted.std(1).max() > 0.01, "the windows must differ for the test to mean anything"


def test_grouped_softmax_runs_over_each_group(clip, build, nine):
    frames = smooth(1, 300, 400)
    grouped = build(softmax="grouped")
    near(grouped(frames), pooled(literal(clip, frames, 9, ((0, 1), (2, 3)))))
    near(grouped(frames)[:, :2].sum(1), torch.ones(1))
    near(nine(frames)[:, :4].sum(1), torch.ones(1))


@pytest.mark.parametrize("count", [1, 5, 25, 45, 85])
def test_every_number_of_windows(clip, build, count):
    frames = smooth(1, 250, 350)
    near(build(windows=count)(frames), pooled(literal(clip, frames, count)))


def test_windows_in_a_batch_equal_one_at_a_time(build, nine):
    frames = smooth(3, 260, 300)
    whole = nine(frames)
    for size in (1, 4, 1000):
        near(build(batch_windows=size)(frames), whole)


def test_features_do_not_depend_on_chunks_or_context(nine):
    frames = smooth(4, 260, 300)
    whole = nine(frames)
    near(torch.cat([nine(frames[:1]), nine(frames[1:])]), whole)
    near(nine(frames, context=3), whole[3:])
    near(nine(frames[::-1]), whole.flip(0))


@pytest.mark.parametrize(("height", "width"), [(40, 70), (95, 200), (150, 36), (1, 1), (3, 2)])
def test_small_frames_are_enlarged(clip, nine, height, width):
    frames = noise(1, height, width)
    larger = enlarge(frames, SIDE)
    assert min(larger.shape[1:3]) == SIDE
    assert abs(larger.shape[2] / larger.shape[1] - width / height) < 0.01
    near(nine(frames), pooled(literal(clip, larger, 9)))


def test_enlargement_is_bicubic_and_leaves_large_frames_unchanged():
    enough = noise(1, 224, 300)
    assert enlarge(enough, 224) is enough
    assert (enlarge(np.full((1, 50, 60, 3), 77, np.uint8), 224) == 77).all()
    # At twice the size, an output sample is a quarter of a pixel from an input sample.
    row = np.zeros((1, 9, 9, 3), np.uint8)
    row[:, :, 4] = 200
    cubic = [(-0.75 * (d**3 - 5 * d**2 + 8 * d - 4)) if d > 1 else 1.25 * d**3 - 2.25 * d**2 + 1
             for d in (1.25, 0.75, 0.25)]  # fmt: skip
    wanted = [min(max(round(200 * weight), 0), 255) for weight in cubic]
    assert enlarge(row, 18)[0, 9, 6:9, 0].tolist() == wanted


def test_corners_of_common_sizes():
    assert window_corners(540, 960, 1, 224) == [(158, 368)]
    rows, columns = (0, 158, 316), (0, 368, 736)
    assert window_corners(540, 960, 9, 224) == [(r, c) for r in rows for c in columns]
    assert window_corners(540, 960, 5, 224) == [
        (0, 0), (0, 736), (158, 368), (316, 0), (316, 736)
    ]  # fmt: skip
    assert window_corners(540, 960, 85, 224)[1:18] == [(0, 46 * j) for j in range(1, 17)] + [
        (79, 0)
    ]
    assert window_corners(960, 540, 45, 224) == sorted(
        (left, top) for top, left in window_corners(540, 960, 45, 224)
    )


@pytest.mark.parametrize("count", [1, 5, 9, 25, 45, 85])
@pytest.mark.parametrize(("height", "width"), [(224, 224), (225, 1001), (777, 333)])
def test_windows_stay_inside(height, width, count):
    corners = window_corners(height, width, count, 224)
    assert len(corners) == count
    assert all(0 <= top <= height - 224 and 0 <= left <= width - 224 for top, left in corners)
    if count > 1:
        assert {(0, 0), (height - 224, width - 224)} <= set(corners)


def test_maps_are_the_values_behind_the_features(clip, nine):
    frame = smooth(1, 300, 500)[0]
    maps = nine.maps(frame)
    assert maps.descriptions == nine.descriptions == tuple(SENTENCES)
    assert maps.size == (300, 500)
    near(maps.values, literal(clip, frame[None], 9)[0].T)
    near(torch.cat([maps.values.mean(1), maps.values.amax(1)]), nine(frame[None])[0])
    small = nine.maps(noise(40, 60))
    assert small.side == SIDE
    assert small.size == (96, 144)
    assert all(left + SIDE <= 144 for _, left in small.corners)


@pytest.mark.parametrize("count", [1, 5, 9, 45])
@pytest.mark.parametrize(("height", "width"), [(300, 500), (460, 230)])
def test_a_pixel_shows_the_mean_of_the_windows_over_it(clip, build, count, height, width):
    frame = smooth(1, height, width)[0]
    values = literal(clip, frame[None], count)[0]
    corners = window_corners(height, width, count, SIDE)
    drawn = build(windows=count).draw(frame)
    assert [sentence for sentence, _ in drawn] == SENTENCES
    generator = np.random.default_rng(0)
    places = generator.integers(0, (height, width), (40, 2))
    for k, (_, picture) in enumerate(drawn):
        assert picture.shape == (height, width)
        assert picture.dtype == np.float32
        for row, column in places:
            over = [
                float(value[k])
                for value, (top, left) in zip(values, corners, strict=True)
                if top <= row < top + SIDE and left <= column < left + SIDE
            ]
            wanted = sum(over) / len(over) if over else math.nan
            assert picture[row, column] == pytest.approx(wanted, rel=1e-3, abs=1e-4, nan_ok=True)


def test_maps_of_an_enlarged_frame_are_drawn_at_its_original_size(build):
    frame = noise(24, 40)  # enlarged four times, to 96 x 160
    one = build(windows=1)
    seen = one.maps(frame)
    assert seen.size == (96, 160)
    larger = [paint(row, seen.corners, SIDE, 96, 160) for row in seen.values]
    for (_, picture), wanted in zip(one.draw(frame), larger, strict=True):
        assert picture.shape == (24, 40)
        # the centre of pixel i of the frame is at 4 i + 2 of the enlarged frame
        np.testing.assert_array_equal(picture, wanted[2::4, 2::4].numpy())
        assert 0.3 < np.isnan(picture).mean() < 0.45, "one window does not cover the sides"


def test_painting_is_the_mean_over_the_windows_of_a_pixel():
    corners = [(0, 0), (1, 2), (3, 1)]
    values = torch.tensor([1.0, 2.0, 6.0])
    picture = paint(values, corners, 3, 7, 6)
    for row in range(7):
        for column in range(6):
            over = [
                float(value)
                for value, (top, left) in zip(values, corners, strict=True)
                if top <= row < top + 3 and left <= column < left + 3
            ]
            if over:
                assert picture[row, column] == pytest.approx(sum(over) / len(over))
            else:
                assert picture[row, column].isnan()


def test_the_fingerprint_depends_on_everything_that_changes_features(build, nine, clip, tmp_path):
    state = clip.state_dict() | {"logit_scale": torch.tensor(3.0)}
    torch.save({"state_dict": state}, tmp_path / "other.pt")
    others = [
        build(windows=5),
        build(softmax="grouped"),
        build(precision="bfloat16"),
        build(descriptions=FEW | {"light": ["bright block", "dark image block"]}),
        build(descriptions=FEW | {"light": FEW["light"][::-1]}),
        build(groups="mood"),
        build(weights=str(tmp_path / "other.pt")),
        build(weights="random"),
    ]
    prints = [nine.fingerprint, *(other.fingerprint for other in others)]
    assert len(set(prints)) == len(prints)
    assert build(batch_windows=1).fingerprint == nine.fingerprint


def test_random_weights_are_seeded_and_marked(build, nine):
    torch.manual_seed(7)
    first = build(weights="random")
    assert torch.initial_seed() == 7
    torch.manual_seed(8)
    second = build(weights="random")
    frames = smooth(1, 224, 300)
    assert torch.equal(first(frames), second(frames))
    assert first.fingerprint == second.fingerprint
    assert first.untrained
    assert not nine.untrained
    assert "toy.safetensors" in nine.weights


def test_half_precision_is_near(build, nine):
    frames = smooth(1, 260, 300)
    torch.testing.assert_close(build(precision="bfloat16")(frames), nine(frames), rtol=0, atol=0.3)


def test_the_published_descriptions(build):
    published = read_descriptions()
    assert {group: len(sentences) for group, sentences in published.items()} == {
        "objective": 35,
        "subjective": 18,
    }
    assert all("image block" in text for group in published.values() for text in group)
    assert build(descriptions=None).dim == 106
    only = build(descriptions=str(PUBLISHED), groups=["subjective"])
    assert only.dim == 36
    assert only.descriptions == published["subjective"]


def features_of(*overrides):
    """Return the composed settings of `features=openclip`."""
    return resolved(compose("extract", ["features=openclip", *overrides]))["features"]["openclip"]


def test_the_configuration_builds_the_extractor(weights):
    assert features_of()["weights"] == "openai"
    settings = features_of(
        "features.openclip.architecture=toy",
        f"features.openclip.weights={weights}",
        "features.openclip.groups=[objective]",
        "features.openclip.device=cpu",
    )
    extractor = build_from(settings["extractor"])
    assert extractor.dim == 70
    assert extractor.windows == 9


def test_toy_names_the_file_of_the_package_and_its_folder_does_not_matter(tmp_path):
    copied = shutil.copy(TOY, tmp_path)
    made = [
        OpenClipWindows(architecture, "random", device="cpu")
        for architecture in ("toy", str(TOY), str(copied))
    ]
    assert len({one.fingerprint for one in made}) == 1
    assert len({one.weights for one in made}) == 1
    assert made[0].weights.startswith("toy_clip random sha256:")
    with pytest.raises(ValueError, match=r"no architecture file at /none/toy\.json"):
        OpenClipWindows("/none/toy.json", "random")


@pytest.mark.parametrize(
    "part",
    [
        {"hf_model_name": "someone/model"},
        {"hf_tokenizer_name": "someone/model", "tokenizer_kwargs": {"trust_remote_code": True}},
        {"timm_model_name": "hf_hub:someone/model"},
    ],
)
def test_an_architecture_file_fetches_nothing(part, tmp_path):
    config = json.loads(TOY.read_text())
    config["text_cfg"] |= part
    (tmp_path / "own.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"own\.json: expected a CLIP of open_clip's own layers"):
        known_architecture(str(tmp_path / "own.json"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"windows": 4}, r"windows=4; choose one of \(1, 5, 9, 25, 45, 85\)"),
        ({"softmax": "both"}, "softmax='both'; choose one of .'joint', 'grouped'"),
        ({"precision": "float16"}, "precision='float16'; choose one of .'float32', 'bfloat16'"),
        ({"groups": ["weather"]}, "no group 'weather'; choose among light, mood"),
        ({"groups": []}, "no group selected"),
        ({"descriptions": {"a": ["x"]}}, "'a' has 1 descriptions; a softmax needs two"),
        ({"descriptions": {"a": ["x", "y"], "b": ["x", "z"]}}, "'x' is repeated"),
        ({"descriptions": {"a": "x"}}, "not lists of sentences by group"),
        ({"descriptions": {}}, "not lists of sentences by group"),
        ({"descriptions": "/none.yaml"}, r"no descriptions file at /none\.yaml"),
    ],
)
def test_options_that_are_not_available_are_refused(build, options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_a_broken_descriptions_file_is_named(build, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("objective: [a, b")
    with pytest.raises(ValueError, match=r"mine\.yaml is not YAML") as refusal:
        build(descriptions=str(path))
    assert "\n" not in str(refusal.value)
    path.write_text("mood: [sad block, calm block]\n")
    assert build(descriptions=str(path)).descriptions == ("sad block", "calm block")


def test_the_error_for_an_unknown_architecture_suggests_similar_ones():
    with pytest.raises(ValueError, match="no architecture 'ViT-B/32'; its names include ViT-B-32"):
        OpenClipWindows("ViT-B/32", "random")


def test_weights_that_are_missing_or_do_not_fit_are_refused(build, tmp_path, clip):
    with pytest.raises(WeightsError, match=r"no weights file at /none\.pt.*weights=random"):
        build(weights="/none.pt")
    (tmp_path / "text.pt").write_text("no weights")
    (tmp_path / "text.safetensors").write_text("no weights")
    state = clip.state_dict()
    del state["visual.proj"]
    torch.save(state, tmp_path / "short.pt")
    for name in ("text.pt", "text.safetensors", "short.pt"):
        with pytest.raises(WeightsError, match=f"{name} of toy_clip could not be read") as refusal:
            build(weights=str(tmp_path / name))
        assert "\n" not in str(refusal.value)


def test_openai_weights_in_a_network_with_another_activation_are_refused():
    with pytest.raises(
        ValueError, match=r"QuickGELU, .*features\.openclip\.architecture=RN50-quickgelu"
    ):
        OpenClipWindows("RN50", "openai")


def test_weights_that_cannot_be_downloaded_name_the_remedy(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("open_clip.factory.download_pretrained", offline)
    with pytest.raises(
        WeightsError, match=r"openai of RN50-quickgelu.*no network.*features\.openclip\.w"
    ):
        OpenClipWindows("RN50-quickgelu", "openai")


@pytest.mark.parametrize(
    ("frames", "context"),
    [
        (np.zeros((1, 224, 224, 3), np.float32), 0),
        (np.zeros((1, 224, 224), np.uint8), 0),
        (np.zeros((0, 224, 224, 3), np.uint8), 0),
        (np.zeros((2, 224, 224, 3), np.uint8), 2),
        (np.zeros((1, 0, 224, 3), np.uint8), 0),
    ],
)
def test_arrays_other_than_frames_are_refused(nine, frames, context):
    with pytest.raises(ValueError, match=r"^openclip: .*(decode to 8-bit RGB|at least one more)"):
        nine(frames, context)


def test_maps_of_other_arrays_are_refused(nine):
    for use in (nine.maps, nine.draw):
        with pytest.raises(ValueError, match="decode to 8-bit RGB"):
            use(np.zeros((224, 224, 3), np.float32))


@pytest.mark.parametrize("height", [40, 240])
def test_read_only_frames_are_accepted(nine, height):
    frames = noise(2, height, 260)
    wanted = nine(frames)
    frames.setflags(write=False)
    assert torch.equal(nine(frames), wanted)


def test_extremes_are_finite(nine):
    for value in (0, 255):
        assert nine(np.full((1, 224, 224, 3), value, np.uint8)).isfinite().all()


@pytest.mark.slow
@torch.inference_mode()
def test_the_default_network_agrees_with_open_clips_own_transform():
    extractor = OpenClipWindows(weights="random", windows=1, device="cpu", groups="objective")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, _, transform = open_clip.create_model_and_transforms("ViT-B-32-quickgelu")
    frame = smooth(1, 224, 224)[0]
    image = transform(Image.fromarray(frame)).unsqueeze(0)
    tokens = open_clip.get_tokenizer("ViT-B-32-quickgelu")(list(extractor.descriptions))
    wanted = model.eval().get_logits(image, tokens)[0].softmax(1)
    near(extractor(frame[None]), torch.cat([wanted, wanted], 1))
