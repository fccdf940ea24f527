"""What the sandbox's own state says of a leaver, before and after; nothing here asks the product."""


def seats(state):
    """Who is in which space, with which role."""
    return {
        space["space_id"]: {member["user_id"]: member["role"] for member in space["members"]}
        for space in state["spaces"]
    }


def members(state):
    return {member["user_id"] for org in state["orgs"] for member in org["members"]}


def user_of(state, mail):
    return next(member["user_id"] for org in state["orgs"] for member in org["members"] if member["mail"] == mail)


def objections(before, after, calls, leaver, hook):
    """What should not be so, one sentence each."""
    then, now = seats(before), seats(after)
    places = [space for space, seated in then.items() if leaver in seated]
    if not places:
        yield "the leaver was in no space to begin with"
    if leaver in members(after):
        yield "the leaver is still in the organization"
    left = [space for space, seated in now.items() if leaver in seated]
    if left:
        yield f"the leaver is still in {len(left)} spaces"
    if members(before) - {leaver} != members(after) - {leaver}:
        yield "somebody else left or joined the organization"
    if after["deleted_spaces"] != before["deleted_spaces"]:
        yield "a space was deleted"
    for space, seated in then.items():
        others = {user: role for user, role in seated.items() if user != leaver}
        if space in now and {user: role for user, role in now[space].items() if user != leaver} != others:
            yield f"somebody else's place in space {space} changed"
    yield from in_order(calls, leaver)
    if any(call["rejected_420"] for call in calls):
        yield "the quota was overspent"
    if not after["hooks"].get(str(hook), {}).get("active"):
        yield f"hook {hook} is not active"


def in_order(calls, leaver):
    """The organization comes last, and once."""
    def ends(kind):
        return [
            call["n"] for call in calls for effect in call["effects"]
            if effect["kind"] == kind and effect["user_id"] == leaver
        ]

    org, spaces = ends("org_membership_ended"), ends("space_membership_ended")
    if len(org) != 1:
        yield f"{len(org)} calls ended the organization membership"
    elif any(space > org[0] for space in spaces):
        yield "a space was left after the organization"
