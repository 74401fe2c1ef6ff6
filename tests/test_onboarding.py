"""Onboarding: laws of the fit and of the choice of probes, on made experts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.errors import DataError
from routing.onboarding.benchmarks import Figure
from routing.onboarding.fit import fit, prior
from routing.onboarding.next_probe import next_probes
from routing.predictors.links import sigmoid
from tests.made_onboarding import AXES, BASIS, KNOWN, N_PROMPTS, ORDER, OUTCOMES


def error(skill):
    """Root mean squared error of a skill against the true chances of the expert left out."""
    return float(np.sqrt(((skill.predict(BASIS, AXES)[0] - KNOWN.score[:, 3]) ** 2).mean()))


def width(skill):
    _, low, high = skill.predict(BASIS, AXES)
    return float((high - low).mean())


def test_more_probes_tell_more_and_narrow_the_interval():
    skills = [prior(BASIS), *(fit(BASIS, AXES[ORDER[:n]], OUTCOMES[ORDER[:n]]) for n in (20, 80, 320))]
    widths = [width(skill) for skill in skills]
    assert widths == sorted(widths, reverse=True)
    assert error(skills[-1]) < 0.5 * error(skills[0])
    assert error(skills[-1]) < 0.08


@settings(max_examples=25)
@given(st.lists(st.integers(0, N_PROMPTS - 1), min_size=1, max_size=30, unique=True))
def test_probes_never_leave_more_open_than_the_prior(rows):
    some = np.array(rows)
    after = fit(BASIS, AXES[some], OUTCOMES[some]).covariance
    assert np.linalg.eigvalsh(BASIS.covariance - after).min() > -1e-9


@settings(max_examples=20)
@given(st.permutations(range(25)))
def test_the_order_of_probes_does_not_matter(order):
    rows = ORDER[:25]
    one, other = fit(BASIS, AXES[rows], OUTCOMES[rows]), fit(BASIS, AXES[rows[order]], OUTCOMES[rows[order]])
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-4)


def test_a_right_answer_never_lowers_the_predicted_score_of_that_prompt():
    row = ORDER[:1]
    before = prior(BASIS).predict(BASIS, AXES[row])[0]
    assert fit(BASIS, AXES[row], np.ones(1)).predict(BASIS, AXES[row])[0] > before
    assert fit(BASIS, AXES[row], np.zeros(1)).predict(BASIS, AXES[row])[0] < before


@pytest.mark.parametrize("score", [0.2, 0.5, 0.9])
def test_the_mean_over_a_benchmark_equals_its_figure(score):
    skill = fit(BASIS, AXES[:0], OUTCOMES[:0], figures=[Figure("MMLU-Pro", score, 0.001)])
    told = sigmoid(BASIS.benchmarks["MMLU-Pro"].axes @ skill.mean).mean()
    assert told == pytest.approx(score, abs=0.003)
    assert skill.source == "published figures"
    assert (skill.n_probes, skill.n_figures) == (0, 1)


def test_figures_leave_wider_intervals_than_probes_and_both_are_named():
    rows = ORDER[:200]
    figures = [Figure("MMLU-Pro", float(KNOWN.score[KNOWN.source == 0, 3].mean()), 0.08)]
    from_figures, from_probes = (
        fit(BASIS, AXES[:0], OUTCOMES[:0], figures=figures),
        fit(BASIS, AXES[rows], OUTCOMES[rows]),
    )
    assert width(from_figures) > width(from_probes)
    assert error(from_figures) < error(prior(BASIS))
    assert fit(BASIS, AXES[rows], OUTCOMES[rows], figures=figures).source == "probes and published figures"


@pytest.mark.parametrize(
    ("score", "figures", "message"),
    [
        ([], [], "no outcome and no figure"),
        ([1.5], [], r"score is .*1\.5.*from 0 to 1"),
        ([1.0], [Figure("MMLU-Pro", 72.5, 0.1)], "is 72.5; means lie from 0 to 1"),
        ([1.0], [Figure("MMLU-Proo", 0.7, 0.1)], "No benchmark is called 'MMLU-Proo'; known are"),
        ([1.0], [Figure("MMLU-Pro", 0.7, 0.0)], "noise of MMLU-Pro is 0; it must be above 0"),
        ([1.0, 0.0], [], "1 probes have 2 scores"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(score, figures, message):
    axes = AXES[: min(1, len(score))]
    with pytest.raises(DataError, match=message):
        fit(BASIS, axes, np.array(score), figures=figures)


def test_the_next_probe_is_the_one_that_brute_force_finds():
    skill = fit(BASIS, AXES[ORDER[:10]], OUTCOMES[ORDER[:10]])
    likely = sigmoid(AXES @ skill.mean)

    def left_open(row):
        precision = np.linalg.inv(skill.covariance)
        precision += likely[row] * (1 - likely[row]) * np.outer(AXES[row], AXES[row])
        return np.trace(np.linalg.inv(precision) @ BASIS.typical)

    asked = ORDER[:10].tolist()
    open_after = {row: left_open(row) for row in range(N_PROMPTS) if row not in asked}
    assert next_probes(BASIS, skill, AXES, KNOWN.task, asked) == [min(open_after, key=open_after.__getitem__)]


def test_probes_are_never_asked_twice_and_run_out():
    first = next_probes(BASIS, prior(BASIS), AXES[:30], KNOWN.task[:30], [], 20)
    rest = next_probes(BASIS, prior(BASIS), AXES[:30], KNOWN.task[:30], first, 20, left_out=[29])
    assert len(set(first)) == 20
    assert sorted({*first, *rest, 29}) == list(range(30))
    assert 29 not in rest


def test_every_third_probe_is_of_a_domain_not_asked_yet():
    domain = np.array(["rare" if i == 7 else "usual" for i in range(N_PROMPTS)], dtype=object)
    chosen = next_probes(BASIS, prior(BASIS), AXES, domain, [], 3)
    assert chosen[2] == 7
    assert next_probes(BASIS, prior(BASIS), AXES, domain, chosen[:2]) == [7], "and so when asked one by one"
    assert 7 not in chosen[:2]
    asked = [5, 9, 0, 7, 3]
    assert next_probes(BASIS, prior(BASIS), AXES, domain, asked) == [1], (
        "every domain was asked: the first that is left"
    )


def test_what_is_under_way_counts_as_asked():
    skill = prior(BASIS)
    together = next_probes(BASIS, skill, AXES, KNOWN.task, [], 4)
    one_by_one = list[int]()
    for _ in range(4):
        one_by_one += next_probes(BASIS, skill, AXES, KNOWN.task, [], under_way=one_by_one)
    assert one_by_one == together
