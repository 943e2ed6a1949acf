"""A run goes on from an earlier point of another: what was done until then is not done again."""

from tests.e2e.rest_client import Rest, pointers, refused


def test_a_fork_of_a_project_run_keeps_the_plan_and_ends_by_itself(rest: Rest) -> None:
    project, run = rest.done()
    before = rest.get(f"/v1/projects/{project}/plan").json()
    forked = rest.post(f"/v1/runs/{run}/fork", json={"seq": 2})
    assert forked.status_code == 202, forked.text
    fork = forked.json()["id"]
    assert forked.headers["Location"] == f"/v1/runs/{fork}" and fork != run
    ended = rest.ended(fork)
    assert ended["result"] == "succeeded", ended["reason"]
    after = rest.get(f"/v1/projects/{project}/plan").json()
    assert after["number"] == before["number"]
    assert {task["attempts"] for task in after["tasks"]} == {1}
    assert rest.get(f"/v1/runs/{run}").json()["state"] == "ended"


def test_a_fork_is_refused_where_nothing_is_left_to_go_on_from(rest: Rest) -> None:
    project, run = rest.done()
    assert "had ended" in refused(rest.post(f"/v1/runs/{run}/fork"), 409)["detail"]
    assert pointers(refused(rest.post(f"/v1/runs/{run}/fork", json={"seq": 10_000}), 422)) == ["/seq"]
    refused(rest.post("/v1/runs/run_nowhere/fork"), 404)
    [child, *_] = {task["run_id"] for task in rest.get(f"/v1/projects/{project}/plan").json()["tasks"]}
    assert "fork that one" in refused(rest.post(f"/v1/runs/{child}/fork"), 409)["detail"]
