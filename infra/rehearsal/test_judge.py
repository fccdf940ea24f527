"""The judge sees what is wrong: each mistake below is planted in what the sandbox would say of a good run.

`python -m unittest discover infra/rehearsal`
"""

import copy
import unittest

import judge

LEAVER, ADMIN, OTHER, HOOK = 7, 1, 2, 5


def space(id, *members):
    return {"space_id": id, "members": [{"user_id": user, "role": role} for user, role in members]}


BEFORE = {
    "orgs": [{"members": [{"user_id": user, "mail": f"{user}@example.com"} for user in (LEAVER, ADMIN, OTHER)]}],
    "spaces": [
        space(10, (LEAVER, "regular"), (ADMIN, "admin")),
        space(11, (LEAVER, "regular"), (OTHER, "admin")),
        space(12, (OTHER, "admin")),
    ],
    "deleted_spaces": [],
    "hooks": {str(HOOK): {"active": True}},
}


def without(state, user):
    state = copy.deepcopy(state)
    for org in state["orgs"]:
        org["members"] = [member for member in org["members"] if member["user_id"] != user]
    for each in state["spaces"]:
        each["members"] = [member for member in each["members"] if member["user_id"] != user]
    return state


def ended(n, kind, user=LEAVER):
    return {"n": n, "rejected_420": False, "effects": [{"kind": kind, "user_id": user}]}


CALLS = [
    ended(1, "space_membership_ended"), ended(2, "space_membership_ended"), ended(3, "org_membership_ended"),
    {"n": 4, "rejected_420": False, "effects": [{"kind": "hook_activated", "hook_id": HOOK}]},
]


class Judge(unittest.TestCase):
    def judged(self, change=lambda state: None, calls=CALLS, before=BEFORE):
        after = without(before, LEAVER)
        change(after)
        return " / ".join(judge.objections(before, after, calls, LEAVER, HOOK))

    def test_a_good_run_has_no_objections(self):
        self.assertEqual(self.judged(), "")

    def test_a_leaver_who_is_still_there(self):
        self.assertIn("still in the organization", self.judged(lambda state: state["orgs"][0]["members"].append(
            {"user_id": LEAVER, "mail": None})))
        back = {"user_id": LEAVER, "role": "regular"}
        self.assertIn("still in 1 spaces", self.judged(lambda state: state["spaces"][1]["members"].append(back)))

    def test_a_bystander_who_was_touched(self):
        self.assertIn("left or joined", self.judged(lambda state: state["orgs"][0]["members"].pop()))
        self.assertIn("in space 12 changed", self.judged(lambda state: state["spaces"][2]["members"].clear()))
        self.assertIn("was deleted", self.judged(lambda state: state["deleted_spaces"].append(state["spaces"].pop())))

    def test_calls_that_should_not_be(self):
        self.assertIn("after the organization", self.judged(calls=[*CALLS, ended(5, "space_membership_ended")]))
        self.assertIn("2 calls ended", self.judged(calls=[*CALLS, ended(5, "org_membership_ended")]))
        self.assertIn("overspent", self.judged(calls=[*CALLS, {"n": 5, "rejected_420": True, "effects": []}]))

    def test_a_hook_that_is_not_active(self):
        self.assertIn("hook 5", self.judged(lambda state: state["hooks"]["5"].update(active=False)))

    def test_a_leaver_who_was_nowhere_proves_nothing(self):
        nowhere = without(BEFORE, LEAVER)
        self.assertIn("in no space", self.judged(before=nowhere))


if __name__ == "__main__":
    unittest.main()
