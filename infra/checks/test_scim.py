"""The judge of the SCIM door objects where it should.

`python -m unittest discover infra/checks`
"""

import unittest

import scim


def state(*mails, deleted=()):
    members = [{"user_id": n, "mail": mail} for n, mail in enumerate(("jane.doe@example.com", "john@example.com")) if mail in mails]
    return {"orgs": [{"members": members}], "deleted_spaces": list(deleted)}


BOTH = state("jane.doe@example.com", "john@example.com")


class Judge(unittest.TestCase):
    def test_only_the_leaver_may_be_gone(self):
        self.assertEqual(list(scim.objections(BOTH, state("john@example.com"))), [])
        for after in (BOTH, state(), state("jane.doe@example.com")):
            self.assertEqual(len(list(scim.objections(BOTH, after))), 1)
        self.assertIn("somebody has joined", list(scim.objections(state("john@example.com"), BOTH)))
        lost = list(scim.objections(BOTH, state("john@example.com", deleted=[5])))
        self.assertEqual(lost, ["a space was deleted"])

    def test_every_check_must_be_a_success(self):
        good = "Performing a check ...\n" + "SUCCESS crud\n  Successfully created\n" * scim.LEAST_CHECKS
        self.assertEqual(list(scim.unsuccessful(good)), [])
        for bad in ("SKIPPED x\n", "ERROR x\n", "COMPLIANT x\n", "DEVIATION x\n"):
            self.assertEqual(list(scim.unsuccessful(good + bad)), [bad.strip()])
        self.assertEqual(list(scim.unsuccessful("SUCCESS crud\n")), [f"1 checks, not {scim.LEAST_CHECKS}"])


if __name__ == "__main__":
    unittest.main()
