"""What faces in colour say about the colour order and scaling that an entry states."""

from dataclasses import dataclass

from rich.progress import Progress

from engines.amounts import amount
from engines.build.input_forms import TriedForm, TriedForms, form_text, rival_forms, try_forms
from engines.build.own_network import Proposal
from engines.build.request import LoadedEntry
from engines.catalogue.entry import ARCFACE_TEMPLATE
from engines.errors import CatalogueError


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence for whoever builds a pair."""

    text: str
    is_warning: bool


def colour_remarks(
    known: LoadedEntry, threads: int = 1, progress: Progress | None = None
) -> tuple[Remark, ...]:
    """
    Hold an entry's colour order and scaling against the common ones, on faces in colour.

    Returns:
        What was found, in sentences; that it could not be checked, where no faces can be obtained.
    """
    name, stated = known.entry.name, known.network.specification
    try:
        tried = try_forms(known.network, rival_forms(stated), threads, progress)
    except CatalogueError as error:
        unchecked = f"{name}: its colour order and scaling were not checked: {error}"
        return (Remark(unchecked, is_warning=True),)
    return judged_form(name, tried.of(stated), tried)


def judged_form(name: str, stated: TriedForm, tried: TriedForms) -> tuple[Remark, ...]:
    """Return what the tried forms say about the one that an entry states."""
    best, on = tried.best, f"{amount(tried.photographs, 'face')} in colour"
    said = f"{form_text(stated.specification)} (d' {stated.separation:.2f})"
    better = f"{form_text(best.specification)} (d' {best.separation:.2f})"
    if tried.is_worse(stated):
        text = (
            f"{name}: its entry says {said}, but {better} separates {on} better, in "
            f"{stated.worse_than_best:.0%} of resampled people: {_doubt(stated, best)}"
        )
        return (Remark(text, is_warning=True),)
    remarks = [
        Remark(f"{name}: {said}: none of the common forms separates {on} better", is_warning=False)
    ]
    return (*remarks, *undecided_colour(name, tried))


def _doubt(stated: TriedForm, best: TriedForm) -> str:
    if stated.specification.colour != best.specification.colour:
        return "is its colour order swapped?"
    return "are its mean and scale right?"


def undecided_colour(name: str, tried: TriedForms) -> tuple[Remark, ...]:
    """Return a warning where these faces cannot tell the best form's colour order."""
    others = [
        each
        for each in tried.rivals
        if each.specification.colour != tried.best.specification.colour
    ]
    if not others:
        return ()
    text = (
        f"{name}: these faces cannot tell its colour order: {form_text(others[0].specification)} "
        f"separates them as well (d' {others[0].separation:.2f} and {tried.best.separation:.2f}); "
        "ask its publisher"
    )
    return (Remark(text, is_warning=True),)


def proposal_remarks(name: str, proposal: Proposal) -> tuple[Remark, ...]:
    """Return what of a proposed entry is not known."""
    remarks = list(undecided_colour(name, proposal.tried))
    if proposal.specification.template != ARCFACE_TEMPLATE:
        text = (
            f"{name}: the template is ArcFace's, brought to this size; a network trained with "
            "another is worth more with its own: correct 'template' if you know it"
        )
        remarks.append(Remark(text, is_warning=True))
    return tuple(remarks)
