"""The plan of distortions and labels."""

import numpy as np

from vqa.databases.synthesis.photographs import PHOTOGRAPHS
from vqa.databases.synthesis.plan import VARIANTS, plan_versions


def test_the_whole_plan_is_large_enough_graded_and_varied():
    plan = plan_versions(contents=20, versions=8, seed=0)
    assert len({version.content for version in plan}) == 20
    mos = np.array([version.mos for version in plan])
    assert mos.min() < 1.7
    assert mos.max() > 4.5
    assert np.histogram(mos, bins=[1, 2, 3, 4, 5])[0].min() > 0.1 * len(plan)
    planted = {name for version in plan for name in version.severities}
    assert planted >= {"compression", "noise", "exposure", "freeze", "flicker", "defocus"}
    assert any(len(version.severities) > 1 for version in plan)
    ladders = {
        version.content: tuple(
            round(sum(s**2 for s in other.severities.values()) ** 0.5, 3)
            for other in plan
            if other.content == version.content
        )
        for version in plan
    }
    assert len(set(ladders.values())) == 20  # no fixed set of severities to memorise


def test_every_content_has_one_pristine_version_near_its_best():
    plan = plan_versions(contents=20, versions=8, seed=0)
    for name in {version.content for version in plan}:
        versions = [version for version in plan if version.content == name]
        pristine = [version for version in versions if version.group == "pristine"]
        assert [version.number for version in pristine] == [0]
        # viewers err: a barely distorted version may score as high
        assert pristine[0].mos >= max(version.mos for version in versions) - 0.4


def test_variants_share_no_photograph_and_differ_as_documented():
    parts = {name: VARIANTS[name] for name in ("demo_coding", "demo_camera", "demo_timing")}
    names = [photograph.name for part in parts.values() for photograph in part.photographs]
    assert sorted(names) == sorted(photograph.name for photograph in PHOTOGRAPHS)
    planted = {
        name: {
            kind
            for version in plan_versions(3, part.versions, 0, part)
            for kind in version.severities
        }
        for name, part in parts.items()
    }
    assert planted == {
        "demo_coding": {"compression"},
        "demo_camera": {"defocus", "noise", "motion_blur", "exposure"},
        "demo_timing": {"freeze", "flicker"},
    }
