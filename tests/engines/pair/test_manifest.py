import hashlib
import json
from dataclasses import replace

import pytest
import yaml

from engines.biometrics.bootstrap import Estimate
from engines.errors import PairError, PairIntegrityError
from engines.pair.manifest import (
    Manifest,
    SecondOpinionRecord,
    identified,
    identity,
    read_manifest,
    write_manifest,
)
from engines.pair.merit import Merit
from engines.pruning.named_recipes import find_recipe


def edit(folder, change):
    path = folder / "pair.yaml"
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def test_a_written_manifest_is_read_back_the_same(folder):
    manifest = read_manifest(folder)
    write_manifest(folder, manifest)
    assert read_manifest(folder) == manifest


WORDS = ("Zoë: #1", "顔 \U0001f642", "- two\nlines\t", "long " * 40, "1e3")


@pytest.mark.parametrize("name", WORDS)
def test_words_of_every_kind_are_read_back_the_same(folder, name):
    manifest = read_manifest(folder)
    network = manifest.network.model_copy(update={"name": name})
    written = identified(manifest.model_copy(update={"network": network}))
    write_manifest(folder, written)
    assert read_manifest(folder) == written


def test_whole_numbers_and_floats_of_one_value_have_one_identity(folder):
    manifest = read_manifest(folder)
    content = manifest.model_dump(mode="json", by_alias=True)
    content["specification"]["scale"] = 128
    assert identity(Manifest.model_validate(content)) == manifest.pair_id


def test_the_date_is_no_part_of_the_identity_and_the_recipe_is(folder):
    manifest = read_manifest(folder)
    assert identity(manifest.model_copy(update={"created": "2000-01-01"})) == manifest.pair_id
    other = manifest.model_dump(mode="json", by_alias=True)
    other["recipe"]["sparsity"] = 0.21
    assert identified(Manifest.model_validate(other)).pair_id != manifest.pair_id


def test_a_pair_of_the_first_release_is_read_and_keeps_its_id(folder):
    content = yaml.safe_load((folder / "pair.yaml").read_text())
    assert "structure" not in content["recipe"]  # and so the first release's reader knows all keys
    content["schema"] = 1
    content["acceptance"].pop("match_score", None)
    hashed = {key: content[key] for key in content if key not in {"pair_id", "created"}}
    canonical = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    content["pair_id"] = hashlib.sha256(canonical.encode()).hexdigest()[:12]
    (folder / "pair.yaml").write_text(yaml.safe_dump(content))
    assert read_manifest(folder).pair_id == content["pair_id"]


def test_a_later_key_is_written_and_hashed_where_it_says_something(folder):
    manifest = read_manifest(folder)
    recipe = replace(manifest.recipe, structure="channels")
    other = identified(manifest.model_copy(update={"recipe": recipe}))
    assert other.pair_id != manifest.pair_id
    write_manifest(folder, other)
    assert read_manifest(folder).recipe.structure == "channels"


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["specification"].update(colour="rgb"),
        lambda content: content["mapping"]["knots"].insert(1, [1e-5, 99.9]),
        lambda content: content["golden"]["tolerance"].update(minimum_cosine=0.1),
        lambda content: content.update(pair_id="0123456789ab"),
    ],
    ids=["colour order", "score mapping", "tolerance", "pair id"],
)
def test_an_edited_manifest_is_noticed(folder, change):
    edit(folder, change)
    with pytest.raises(PairIntegrityError, match="edited after the pair was built"):
        read_manifest(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(extra=1), "extra: Extra inputs"),
        (lambda content: content["recipe"].update(extra=1), "recipe.extra: Unexpected"),
        (lambda content: content["specification"].update(extra=1), "specification.extra"),
        (lambda content: content["recipe"].update(sparsity=2), "recipe: .*below 1"),
        (lambda content: content["files"].pop("pruned"), "needs dense and pruned, or fused"),
        (
            lambda content: content["files"]["dense"].update(name="../dense.onnx"),
            "files.dense.name",
        ),
        (lambda content: content["files"]["dense"].update(name="/etc/passwd"), "files.dense.name"),
        (lambda content: content.update(schema=3), "schema 3, this version reads 1 and 2"),
        (lambda content: content.pop("schema"), "schema None"),
        (lambda content: content.pop("golden"), "golden: Field required"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused_naming_file_and_key(
    folder, change, message
):
    edit(folder, change)
    with pytest.raises(PairIntegrityError, match=rf"pair\.yaml: .*{message}"):
        read_manifest(folder)


@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"a: [1", b"\xff\xfe\x00", b"a\n"])
def test_what_is_no_manifest_is_refused_by_name(folder, content):
    (folder / "pair.yaml").write_bytes(content)
    with pytest.raises(PairIntegrityError, match=r"pair\.yaml"):
        read_manifest(folder)


def test_a_folder_without_manifest_names_the_command_that_makes_one(tmp_path):
    with pytest.raises(PairError, match=r"edge-gate pair build .*--out"):
        read_manifest(tmp_path / "absent")


def test_the_command_that_builds_a_pair_anew_names_its_network_and_what_runs_it(folder):
    manifest = read_manifest(folder)  # of two files, and no recipe that has a name
    name = manifest.network.name
    out = folder / "of mine"
    assert manifest.build_command(out) == (
        f"edge-gate pair build --network {name} --quality own --recipe-of '{out}' "
        f"--form separate --out '{out}'"
    )
    planned = manifest.model_copy(update={"backend": "rtx", "quality": "norm", "files": {}})
    planned = planned.model_copy(update={"files": {"fused": manifest.files["dense"]}})
    assert planned.build_command(folder, "yunet", folder / "y.onnx") == (
        f"edge-gate pair build --backend rtx --network {name} --quality norm --detector yunet "
        f"--detector-model {folder}/y.onnx --out {folder}"
    )


@pytest.mark.parametrize(("ratio", "accepted"), [(0.9, False), (1.1, True)])
def test_a_pair_that_was_accepted_though_worse_is_built_anew_so(folder, ratio, accepted):
    half = Estimate(0.5, 0.5, 0.5)
    worth = Merit(half, half, Estimate(ratio, ratio, ratio))
    worse = read_manifest(folder).model_copy(update={"merit": worth})
    assert (" --accept-worse " in worse.build_command(folder)) == accepted


def test_a_pair_beside_a_recogniser_is_built_anew_by_the_name_of_that(folder):
    manifest = read_manifest(folder)
    other = manifest.network.model_copy(update={"name": "retail"})
    gate = manifest.network.model_copy(update={"name": "mobilefacenet512"})
    known = {"network": gate, "recipe": find_recipe("mobilefacenet512")}
    beside = manifest.model_copy(update={"quality": "gate", "recogniser": other, **known})
    words = f"--form separate --out {folder}"
    command = "edge-gate pair build --network retail --quality gate"
    assert beside.build_command(folder) == f"{command} {words}"
    unnamed = beside.model_copy(update={"recipe": manifest.recipe})
    assert unnamed.build_command(folder) == f"{command} --recipe-of {folder} {words}"


def test_the_command_that_builds_a_pair_anew_names_a_recipe_that_is_not_the_default(folder):
    manifest = read_manifest(folder)
    known = manifest.network.model_copy(update={"name": "dlib-resnet"})
    for name, words in (("fast", ""), ("best", " --recipe best"), ("paper", " --recipe paper")):
        recipe = find_recipe("dlib-resnet", name)
        measured = manifest.model_copy(update={"network": known, "recipe": recipe})
        assert measured.build_command(folder) == (
            f"edge-gate pair build --network dlib-resnet --quality own{words} --form separate "
            f"--out {folder}"
        )


def test_a_pair_with_a_second_opinion_is_built_anew_with_its_entry(folder):
    manifest = read_manifest(folder)
    opinion = SecondOpinionRecord.model_construct(name="lightqnet")
    command = manifest.model_copy(update={"second_opinion": opinion}).build_command(folder)
    assert " --second-opinion lightqnet.yaml " in command


def test_a_file_that_is_named_as_a_pair_is_told_to_be_none(tmp_path):
    (tmp_path / "pair.yaml").touch()
    with pytest.raises(PairError, match="is a file, and an engine pair is a folder"):
        read_manifest(tmp_path / "pair.yaml")
