"""The registry and what stands between it and a score: anyone may read a model, two people say which one answers."""

import json
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from gating import compared
from modelling import FEATURES, invented, small, trained
from registering import NAME, run_of
from riskscore.errors import ModelExpired, ModelRefused, StorageFailed, UsageRefused
from riskscore.stores.approvals import approval_in_force, approve, approve_first
from riskscore.stores.models import Registry, approve_version, load_approved, promote_version, roll_back_version
from riskscore.stores.models.approved import load_version
from riskscore.stores.models.judged import FILE, pseudonyms, read_judged
from riskscore.stores.models.trials import search
from riskscore.stores.workplace import Workplace
from riskscore.training import tuning
from riskscore.training.tuning import Proving

pytestmark = pytest.mark.slow


def test_the_run_holds_what_is_needed_to_believe_it(folder):
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
    run = run_of(registry)
    artefacts = {each.path for each in registry.client.list_artifacts(run.info.run_id)}
    plots = {Path(each.path).name for each in registry.client.list_artifacts(run.info.run_id, "plots")}

    assert {run.data.tags[name] for name in ("model_digest", "recipe_digest", "book_digest")} == {
        trained().model.digest,
        small().digest,
        "b" * 64,
    }
    assert len(run.data.tags["code_digest"]) == 64
    assert run.data.params["outcome.days_past_due"] == "60"
    for name in ("auc", "pr_auc", "brier", "log_loss", "ece", "calibration_slope"):
        assert run.data.metrics[f"{name}_low"] <= run.data.metrics[name] <= run.data.metrics[f"{name}_high"]
    assert "shrunken_rate/auc" in run.data.metrics
    assert "ahead_of/shrunken_rate/log_loss_high" in run.data.metrics
    assert {"scorecard/auc", "ahead_of/scorecard/pr_auc_low", "spiegelhalter_z", "spiegelhalter_p"} <= set(run.data.metrics)
    assert any(name.startswith("predicted_over_observed/20") for name in run.data.metrics)
    assert {"card.md", "card.zh.md", "recipe.json", "grades.json", "training_log.json", "calibration_by_grade.json"} <= artefacts
    assert "trueness.json" in artefacts
    assert plots == {"roc.png", "calibration.png", "grades.png", "scores.png", "shap.png"}


def test_the_shap_library_agrees_with_our_contributions(folder):
    log = json.loads(next(folder.rglob("training_log.json")).read_text())

    assert log["shap_distance"] < 1e-9


def test_the_model_card_has_no_blank_left(folder):
    for name in ("card.md", "card.zh.md"):
        text = next(folder.rglob(name)).read_text(encoding="utf-8")

        assert "$" not in text
        assert trained().model.digest in text
        assert f"{trained().evaluation.figures['model']['auc'].value:.3f}" in text


def test_no_name_of_a_customer_is_written_into_the_registry(folder):
    ids = set(trained().judged.rows.features["customer_id"].to_pylist())
    text = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".png").decode(
        errors="replace"
    )

    assert not [each for each in ids if each in text]


def test_anyone_can_load_the_model_with_mlflow_and_gets_the_same_probabilities(folder):
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
    frame = trained().newest
    loaded = registry.mlflow.pyfunc.load_model(f"models:/{NAME}/1")
    answer = loaded.predict(frame.select(list(trained().model.feature_names)).to_pandas())
    explanation = trained().model.explain(frame)
    probability = trained().model.probability(explanation.log_odds)

    assert (answer["pd"].to_numpy() == probability.pd).all()
    assert (answer["pd_low"].to_numpy() == probability.low).all()
    assert (answer["pd_high"].to_numpy() == probability.high).all()
    assert (answer["log_odds"].to_numpy() == explanation.log_odds).all()
    assert {each.name for each in loaded.metadata.signature.inputs.inputs} == set(trained().model.feature_names)
    assert loaded.input_example is not None


def test_what_nobody_approved_does_not_score(workplace, engine):
    with pytest.raises(ModelRefused, match="no approved version"):
        load_approved(workplace, engine)


def test_two_people_put_a_version_in_force_and_it_scores_as_trained(workplace, engine):
    promote_version(workplace, engine, compared(engine, "1", trained().model.digest), by="Ann")
    with pytest.raises(UsageRefused, match="second person"):
        approve_version(workplace, engine, NAME, "1", by="Ann")
    approve_version(workplace, engine, NAME, "1", by="Bo")
    model = load_approved(workplace, engine)

    assert model.digest == trained().model.digest
    assert (model.explain(trained().newest).log_odds == trained().model.explain(trained().newest).log_odds).all()


def test_the_local_copy_scores_when_the_registry_is_gone(workplace, engine, tmp_path, monkeypatch):
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    load_approved(workplace, engine)
    gone = workplace.model_copy(update={"mlflow": f"sqlite:///{tmp_path / 'nowhere' / 'mlflow.db'}"})
    monkeypatch.setitem(sys.modules, "mlflow", None)  # not even imported

    assert load_approved(gone, engine).digest == trained().model.digest


def test_a_version_the_registry_does_not_have_is_refused(workplace, engine):
    with pytest.raises(ModelRefused, match="does not give its files"):
        load_version(workplace, NAME, "99")


def test_a_registry_that_does_not_answer_is_said_so(workplace, engine):
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    nobody = workplace.model_copy(update={"mlflow": "http://127.0.0.1:9"})

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        with pytest.raises((StorageFailed, ModelRefused), match=r"127\.0\.0\.1"):
            load_approved(nobody, engine)


def test_moving_an_alias_in_mlflow_changes_nothing_here(workplace, engine):
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    before = load_approved(workplace, engine).digest
    Registry.of(workplace).client.set_registered_model_alias(NAME, "champion", "1")
    Registry.of(workplace).client.set_registered_model_alias(NAME, "production", "1")

    assert load_approved(workplace, engine).digest == before


def test_the_registry_says_who_is_champion_and_until_when_and_nobody_here_reads_it_back(workplace, engine):
    promote_version(workplace, engine, compared(engine, "1", trained().model.digest), by="Ann")
    registry = Registry.of(workplace)
    assert registry.aliases(NAME)["challenger"] == "1"
    approval = approve_version(workplace, engine, NAME, "1", by="Bo", valid_days=30, review_days=20)
    tags = run_of(registry).data.tags

    champion = registry.mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    told = champion.predict(trained().newest.select(list(trained().model.feature_names)).to_pandas())

    assert (told["pd"].to_numpy() == trained().model.probability(trained().model.explain(trained().newest).log_odds).pd).all()
    assert registry.aliases(NAME)["champion"] == "1"
    assert "challenger" not in registry.aliases(NAME)
    assert (tags["proposed_by"], tags["approved_by"], tags["expires_on"]) == ("Ann", "Bo", approval.last_day.isoformat())
    registry.withdraw(NAME, "champion")
    assert load_approved(workplace, engine).digest == trained().model.digest


def test_a_model_whose_approval_ran_out_is_not_loaded(workplace, engine):
    approval = approve_first(engine, NAME, "1", trained().model.digest, by="Ann", valid_days=30)

    assert load_approved(workplace, engine, today=approval.last_day).digest == trained().model.digest
    with pytest.raises(ModelExpired, match="ran out"):
        load_approved(workplace, engine, today=approval.last_day + timedelta(days=1))


def test_the_registry_of_one_working_folder_is_not_taken_for_that_of_the_next(tmp_path):
    first, second = (Registry.of(Workplace(mlflow=f"sqlite:///{tmp_path / name}.db")) for name in ("first", "second"))
    assert first.mlflow.get_tracking_uri() == first.uri

    assert Registry.of(Workplace(mlflow=second.uri)).uri == second.uri != first.uri


def test_rolling_back_needs_no_registry(workplace, engine, tmp_path):
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    load_approved(workplace, engine)  # the local copy
    approve_again = compared(engine, "2", "2" * 64, trained().model.digest)
    promote_version(workplace, engine, approve_again, by="Ann")
    approve(engine, NAME, "2", "2" * 64, by="Bo")
    gone = workplace.model_copy(update={"mlflow": f"sqlite:///{tmp_path / 'nowhere' / 'mlflow.db'}"})
    roll_back_version(gone, engine, NAME, by="Cy", reason="wrong limits")

    assert approval_in_force(engine, NAME).version == "1"
    assert load_approved(gone, engine).digest == trained().model.digest


def test_what_was_said_of_later_months_is_kept_under_pseudonyms(folder):
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
    kept = read_judged(registry.run_bytes(run_of(registry).info.run_id, FILE))
    rows = trained().judged.rows
    who = pseudonyms(rows.features["customer_id"].to_pylist())

    assert kept == dict(zip(zip(who, rows.days.tolist(), strict=True), trained().judged.pd["model"].tolist(), strict=True))
    assert not set(who) & set(rows.features["customer_id"].to_pylist())


def test_a_search_gives_the_same_recipe_for_the_same_seed_and_writes_every_trial_down(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "chosen_features", lambda _recipe: FEATURES)
    base = small().model_copy(update={"baselines": []})
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}")

    def found(seed):
        proving = Proving(invented(n_customers=160, n_cuts=24), base)
        return search(registry, proving, n_trials=4, seed=seed, book_digest="b" * 64, told=lambda *_: None)

    one, again = found(3), found(3)
    assert (one.recipe.digest, one.loss) == (again.recipe.digest, again.loss)
    assert one.loss <= one.loss_before
    experiment = registry.experiment()
    children = registry.client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{one.run_id}'")
    assert len(children) == 5  # the recipe as it is, and four trials
    assert all("log_loss" in run.data.metrics for run in children)
    assert registry.versions(NAME) == []  # nothing is registered by a search


def test_a_newcomer_is_told_a_wider_interval_than_a_customer_with_a_history():
    log_odds = np.linspace(-4, 2, 60)
    said = [speaker.probability(log_odds) for speaker in (trained().model.newcomer, trained().model)]
    widths = [float(np.mean(each.high - each.low)) for each in said]

    assert widths[0] >= widths[1]
