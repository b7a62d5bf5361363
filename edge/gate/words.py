"""A verdict in words: the figures that decided it and the keys that would change it."""

from edge.config.model import GateSettings
from edge.gate.decision import Features, border_distance
from edge.gate.pose import Pose, pose
from edge.samples import QualityScore, Reason, Verdict


def precheck_words(verdict: Verdict, features: Features, settings: GateSettings) -> str:
    """Say why `precheck` discarded a face, e.g. "inter-eye distance 12 px below …"."""
    match verdict.reason:
        case Reason.LOW_DETECTION:
            score, least = features.detector_score, settings.min_detector_score
            return f"detector score {score:.3g} below min_detector_score {least:g}"
        case Reason.TOO_SMALL:
            distance, least = features.inter_eye_distance, settings.min_inter_eye_distance
            return f"inter-eye distance {distance:.3g} px below min_inter_eye_distance {least:g}"
        case Reason.TRUNCATED:
            least = settings.border_margin * features.inter_eye_distance
            return (
                f"a landmark {border_distance(features):.3g} px inside the frame's border, "
                f"border_margin {settings.border_margin:g} asks for {least:.3g} px"
            )
        case Reason.POSE | Reason.TOO_DARK | Reason.OVEREXPOSED:
            return _look_words(verdict.reason, features, settings)
        case Reason.MASKED:
            return "the point between the eyes lies in a mask"
    return "a figure of the detector is not finite"


def decision_words(quality: QualityScore | None, settings: GateSettings) -> str:
    """Say what `decide` compared, e.g. "score 31.2, threshold 50"."""
    if quality is None:
        return "the face could not be scored"
    if settings.shift_at_most is not None:
        return f"shift {quality.shift:.4g}, shift_at_most {settings.shift_at_most:g}"
    return f"score {quality.score:.3g}, threshold {settings.threshold:g}"


def _look_words(reason: Reason, features: Features, settings: GateSettings) -> str:
    if reason is Reason.POSE:
        return _pose_words(pose(features.landmarks), settings)
    if reason is Reason.TOO_DARK:
        return f"{features.dark:.0%} of the face is dark, max_dark {settings.max_dark:g}"
    return f"{features.light:.0%} of the face is white, max_light {settings.max_light:g}"


def _pose_words(head: Pose | None, settings: GateSettings) -> str:
    if head is None:
        return "the landmarks span no face"
    limits = (
        ("roll", head.roll, "max_roll", settings.max_roll),
        ("yaw ratio", head.yaw_ratio, "max_yaw_ratio", settings.max_yaw_ratio),
        ("pitch ratio", head.pitch_ratio, "max_pitch_ratio", settings.max_pitch_ratio),
    )
    return ", ".join(
        f"{name} {value:.3g} beyond {key} {limit:g}"
        for name, value, key, limit in limits
        if not abs(value) <= limit
    )
