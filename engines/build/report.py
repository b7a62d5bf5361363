"""Engine pairs for people: a manifest and a verification as tables on a terminal."""

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table

from engines.amounts import amount
from engines.build.input_forms import TriedForms, number_text
from engines.build.openvino_pair import Bf16Trial
from engines.build.verify import Verification
from engines.catalogue.values import UNPRUNED, Quality
from engines.pair.acceptance import Acceptance
from engines.pair.carried_threshold import CarriedThreshold
from engines.pair.manifest import Manifest
from engines.pair.merit import merit_text
from engines.pruning.recipe import Cost, Recipe
from engines.quality.specification import InputSpecification

SCALES = {
    1: "scale 1: undegraded golden faces have their median at 50",
    2: "scale 2: how many of 100 reference faces are worse, half of them undegraded",
    3: "scale 3: how many of 100 faces are worse, of the reference faces or, where "
    "'pair calibrate' built the pair, of its photographs",
}

MEASURES: dict[Quality, str] = {
    "norm": "the norm itself: ",
    "recognisability": "distance from unrecognisable faces, nothing pruned: ",
    "both": "shift and distance from unrecognisable faces, their geometric mean: ",
}
"""What a merit speaks of where it is not the shift to a pruned copy."""


def manifest_tables(manifest: Manifest) -> Group:
    """Return everything a manifest says: facts first, then one row for each layer."""
    return Group(_facts(_manifest_rows(manifest)), _layers(manifest))


def verification_table(found: Verification) -> Table:
    """Return the figures of a verification and its faults."""
    replay, tolerance = found.replay, found.manifest.golden.tolerance
    cosines = f"{replay.dense_cosine:.7f} dense, {replay.pruned_cosine:.7f} pruned"
    allowed = f"{tolerance.shift_absolute:g} or {tolerance.shift_relative:.0%} of it"
    rows = [
        ("engine pair", found.manifest.pair_id),
        ("files", "all hashes as promised"),
        ("golden vectors", f"{amount(replay.faces, 'face')} replayed"),
        ("lowest cosine", f"{cosines} (at least {tolerance.minimum_cosine})"),
        ("shift off by", f"{replay.shift_difference:.1e} at most (allowed {allowed})"),
        ("golden faces, when built", acceptance_text(found.manifest.acceptance)),
    ]
    if found.acceptance is not None:
        rows.append(("golden faces, here", acceptance_text(found.acceptance)))
    rows += [("fault", fault) for fault in found.faults] or [("verdict", "fit to score faces")]
    return _facts(rows)


def acceptance_text(found: Acceptance) -> str:
    """Return the figures of an acceptance in one line."""
    return (
        f"equal error rate {found.dense_error:.2%} dense, {found.pruned_error:.2%} pruned; "
        f"median shift {found.median_shift:.4f} "
        f"({amount(found.faces, 'face')}, {amount(found.mated, 'mated comparison')})"
    )


def trial_text(trial: Bf16Trial) -> str:
    """Return in a line in which precision OpenVINO runs a pair, and why."""
    text = f"OpenVINO, {trial.precision}"
    found = trial.deviation
    if found is not None:
        text += f"; in bfloat16 lowest cosine {found.min_cosine:.5f}"
        if found.rank_agreement is not None:
            text += f", rank agreement of quality {found.rank_agreement:.4f} (Spearman)"
        text += f" on {amount(trial.faces, 'golden face')}"
    return f"{text} ({trial.why_not})" if trial.why_not else text


def worth_text(manifest: Manifest) -> str:
    """Return in a sentence what a pair's measure is worth."""
    if manifest.merit is None:
        return "figure of merit: none; hardly any self-made comparison fails, or nobody judged"
    whose = "" if manifest.recogniser is None else f" on errors of {manifest.recogniser.name}"
    return f"{MEASURES.get(manifest.quality, '')}{merit_text(manifest.merit)}{whose}"


def together_text(manifest: Manifest) -> str | None:
    """Return what shift and second opinion are worth together; None where that is not known."""
    if manifest.fused_merit is None or manifest.second_opinion is None:
        return None
    whose = "" if manifest.recogniser is None else f" on errors of {manifest.recogniser.name}"
    return f"with {manifest.second_opinion.name}: {merit_text(manifest.fused_merit)}{whose}"


def thresholds_table(carried: Sequence[CarriedThreshold]) -> Table:
    """Return what thresholds of an older pair are on another."""
    table = Table()
    for heading in ("threshold of the old pair", "largest shift forwarded", "threshold now"):
        table.add_column(heading, justify="right")
    for each in carried:
        table.add_row(f"{each.old:g}", f"{each.shift:.4g}", f"{each.new:.1f}")
    return table


def forms_table(tried: TriedForms) -> Table:
    """Return one row for each colour order and scaling that was tried, the best first."""
    table = Table(
        title=f"tried on {amount(tried.photographs, 'face')} in colour, and degraded copies",
        caption="sure: share of resampled people in which the first is better",
    )
    for heading in ("colour", "(pixel - mean) / scale", "separation d'", "sure"):
        table.add_column(heading, overflow="fold")
    for each in tried.forms:
        form = each.specification
        sure = "" if each is tried.best else f"{each.worse_than_best:.1%}"
        scaling = f"{number_text(form.mean)}, {number_text(form.scale)}"
        table.add_row(form.colour, scaling, f"{each.separation:.2f}", sure)
    return table


def _manifest_rows(manifest: Manifest) -> list[tuple[str, str]]:
    knots = ", ".join(f"{shift:.4g}: {score:g}" for shift, score in manifest.mapping.knots)
    sizes = ", ".join(f"{role} {each.bytes:,} bytes" for role, each in manifest.files.items())
    return [
        ("engine pair", f"{manifest.pair_id}, built {manifest.created}"),
        ("backend", manifest.backend),
        ("network", f"{manifest.network.name} ({manifest.network.licence})"),
        ("source SHA-256", manifest.network.source_sha256),
        ("input", _input_text(manifest.specification)),
        ("embedding length", str(manifest.embedding_length)),
        ("recipe", _recipe_text(manifest)),
        ("files", sizes),
        ("compaction", _compaction_text(manifest)),
        ("multiply-adds", _cost_text(manifest.cost)),
        ("golden faces", acceptance_text(manifest.acceptance)),
        ("quality", f"{manifest.quality}: {worth_text(manifest)}"),
        ("score", SCALES[manifest.mapping.version]),
        ("shift to score", knots),
        ("second opinion", _second_opinion_text(manifest)),
        ("built with", ", ".join(f"{name} {v}" for name, v in manifest.versions.items())),
    ]


def _second_opinion_text(manifest: Manifest) -> str:
    record = manifest.second_opinion
    if record is None:
        return "none"
    worth = together_text(manifest)
    return (
        f"{record.name} ({record.licence}), {record.file.name} of {record.file.bytes:,} bytes; the "
        "score is the rank of the mean of both shares among the reference faces"
        f"{f'; {worth}' if worth else ''}"
    )


def _input_text(specification: InputSpecification) -> str:
    size = f"{specification.width}x{specification.height} pixels"
    order = f"{specification.colour.upper()}, {specification.layout.upper()}"
    mean, scale = number_text(specification.mean), number_text(specification.scale)
    return f"{size}, {order}, (pixel - {mean}) / {scale}"


def _recipe_text(manifest: Manifest) -> str:
    if manifest.quality in UNPRUNED:
        return "none: nothing is pruned"
    texts = [_mask_text(each) for each in manifest.recipe.single]
    if len(texts) == 1:
        return texts[0]
    return f"geometric mean of {amount(len(texts), 'shift')}: {'; and '.join(texts)}"


def _mask_text(recipe: Recipe) -> str:
    where = "of each layer" if recipe.scope == "layer" else "over all layers together"
    only = f"; only {', '.join(recipe.layers)}" if recipe.layers else ""
    kept = f"; kept dense: {', '.join(recipe.keep_dense)}" if recipe.keep_dense else ""
    some = f"the share {recipe.sparsity:g} of {recipe.count} {recipe.structure}"
    if recipe.structure == "2:4":
        some = "two of each four inputs"
    return f"zero {some} with the least {recipe.importance} importance {where}{only}{kept}"


def _compaction_text(manifest: Manifest) -> str:
    removed = sum(each.removed for each in manifest.compaction)
    total = sum(each.channels for each in manifest.compaction)
    return f"channels removed: {removed:,} of {total:,}" if total else "not done"


def _cost_text(cost: Cost) -> str:
    ratio = cost.pair / cost.as_shipped
    return (
        f"{cost.pair / 1e6:,.0f} million for embedding and score, {cost.dense / 1e6:,.0f} for the "
        f"embedding alone, {cost.as_shipped / 1e6:,.0f} as shipped (ratio {ratio:.2f})"
    )


def _facts(rows: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _layers(manifest: Manifest) -> Table:
    table = Table(show_footer=True)
    table.add_column("layer", amount(len(manifest.layers), "layer"))
    for heading in ("size", "counted", "masked", "zeros"):
        total = sum(getattr(each, heading) for each in manifest.layers)
        table.add_column(heading, f"{total:,}", justify="right")
    table.add_column("sparsity", justify="right")
    for each in manifest.layers:
        counts = (each.size, each.counted, each.masked, each.zeros)
        table.add_row(each.layer, *(f"{count:,}" for count in counts), f"{each.sparsity:.4f}")
    return table
