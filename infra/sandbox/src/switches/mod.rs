//! What is unknown about Podio, or told differently by the guide and by the documentation: one switch for each.
//!
//! A product that works with every value of every switch does not depend on a guess. `--switch name=value` on the program
//! and [`Switches::set`] take the kebab-case names of the fields of [`Switches`].

mod choices;

pub use choices::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A set of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Podio as the integration guide tells it: one quota of 250, flat members, no server-side short cuts.
    Guide,
    /// Podio as its reference and its own clients tell it: two ceilings, previews, org DELETE ends everything.
    Documented,
}

impl std::str::FromStr for Profile {
    type Err = SwitchError;

    fn from_str(name: &str) -> Result<Self, SwitchError> {
        serde_json::from_value(Value::from(name)).map_err(|_| SwitchError::UnknownProfile(name.to_owned()))
    }
}

/// Why a switch could not be set.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// Not one of the profiles.
    #[error("no profile is called {0:?}; there are `guide` and `documented`")]
    UnknownProfile(String),
    /// No such switch.
    #[error("no switch is called {0:?}")]
    UnknownName(String),
    /// The switch exists but cannot take this value.
    #[error("switch {name} cannot be {value:?}: {reason}")]
    UnknownValue {
        /// The switch.
        name: String,
        /// The value that was asked for.
        value: String,
        /// What it could be.
        reason: serde_json::Error,
    },
    /// Not of the form `name=value`.
    #[error("{0:?} is not name=value")]
    Malformed(String),
}

/// What a switch can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    /// One of these, by the names that [`Switches::set`] takes.
    Choices(Vec<String>),
    /// A number.
    Number,
}

impl Domain {
    fn of(choices: &[impl Serialize]) -> Self {
        let name = |choice| match serde_json::to_value(choice) {
            Ok(Value::String(name)) => Some(name),
            _ => None,
        };
        Self::Choices(choices.iter().filter_map(name).collect())
    }
}

macro_rules! switches {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $guide:expr, $documented:expr;)+) => {
        /// Every behaviour that can be chosen.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub struct Switches { $($(#[$doc])* pub $name: $kind,)+ }

        impl Switches {
            /// Every switch, by the name that [`Switches::set`] takes, and what it can be.
            pub fn domains() -> Vec<(String, Domain)> {
                vec![$((stringify!($name).replace('_', "-"), <$kind as choices::Switchable>::domain()),)+]
            }

            /// The defaults of a profile.
            pub fn of(profile: Profile) -> Self {
                match profile {
                    Profile::Guide => Self { $($name: $guide,)+ },
                    Profile::Documented => Self { $($name: $documented,)+ },
                }
            }
        }
    };
}

switches! {
    /// Token endpoints and their encodings.
    token_endpoints: TokenEndpoints = TokenEndpoints::Form, TokenEndpoints::Both;
    /// Refresh token rotation.
    refresh_rotation: RefreshRotation = RefreshRotation::Same, RefreshRotation::NewOldInvalid;
    /// `ref` in a token answer.
    token_ref: Part = Part::Absent, Part::Present;
    /// `scope` in a token answer.
    token_scope: Part = Part::Absent, Part::Present;
    /// The client credentials grant; where accepted it acts as the acting admin, else it answers 403.
    client_credentials: Acceptance = Acceptance::Accepted, Acceptance::Refused;
    /// What the password grant answers.
    password_grant: PasswordGrant = PasswordGrant::Tokens, PasswordGrant::Tokens;
    /// `Authorization: Bearer`; `OAuth2` always works.
    bearer_scheme: Acceptance = Acceptance::Accepted, Acceptance::Accepted;
    /// Layout of members of organizations and spaces.
    member_shape: MemberShape = MemberShape::Flat, MemberShape::Nested;
    /// Which key holds the person in a nested v2 space member.
    space_member_person: SpaceMemberPerson = SpaceMemberPerson::User, SpaceMemberPerson::User;
    /// A user's mail.
    mail_shape: MailShape = MailShape::Array, MailShape::String;
    /// Times in answers.
    date_format: DateFormat = DateFormat::Iso8601, DateFormat::Podio;
    /// Members on a page when no `limit` is given.
    page_default: u32 = 20, 100;
    /// The most members on a page.
    page_max: u32 = 100, 500;
    /// A `limit` over the maximum.
    over_max: OverMax = OverMax::Clamp, OverMax::Refuse;
    /// `query=` on member lists.
    member_query: QueryParameter = QueryParameter::Ignored, QueryParameter::Honoured;
    /// `GET /org/{id}/member/mail/{mail}`.
    member_by_mail: Route = Route::Absent, Route::Offered;
    /// `GET /org/{id}/member/search/`.
    member_search: Route = Route::Absent, Route::Offered;
    /// `GET /org/{id}/member/{user}/end_member_info`.
    end_member_info: Route = Route::Absent, Route::Offered;
    /// `GET /org/{id}/member/{user}/space_member/`.
    member_spaces: Route = Route::Absent, Route::Offered;
    /// `GET /org/{id}/all_spaces/`.
    all_spaces: Route = Route::Absent, Route::Offered;
    /// `GET /space/{id}/member/v2/`.
    space_members_v2: Route = Route::Absent, Route::Offered;
    /// `GET /space/{id}/member/ended/`.
    ended_space_members: Route = Route::Absent, Route::Offered;
    /// `GET /user/{id}`.
    user_by_id: Route = Route::Offered, Route::Absent;
    /// GET of an org member who has been removed.
    removed_org_member: EndedMembership = EndedMembership::NotFound, EndedMembership::NotFound;
    /// GET of a space member who has been removed.
    removed_space_member: EndedMembership = EndedMembership::NotFound, EndedMembership::Ended;
    /// Writes without a result: DELETE, PUT, and POST of a member.
    write_answer: WriteAnswer = WriteAnswer::NoContent, WriteAnswer::EmptyObject;
    /// The second DELETE of one membership.
    second_delete: SecondDelete = SecondDelete::NotFound, SecondDelete::NotFound;
    /// A comma list in `/space/{id}/member/{user_ids}`.
    plural_user_ids: PluralIds = PluralIds::NoOperation, PluralIds::Accepted;
    /// A POST or PUT without a body: taken for `{}`, or 404 "No body was given".
    empty_body: Acceptance = Acceptance::Accepted, Acceptance::Refused;
    /// An org admin in spaces that they are not in.
    org_admin_in_foreign_spaces: Permission = Permission::Allowed, Permission::Allowed;
    /// Org administration by an org admin who is in no space.
    org_admin_without_spaces: Permission = Permission::Allowed, Permission::Forbidden;
    /// Removal from the last regular space.
    last_space_removal: LastSpaceRemoval = LastSpaceRemoval::KeepsOrgMembership, LastSpaceRemoval::KeepsOrgMembership;
    /// Removal of the last org admin.
    last_org_admin: LastOrgAdmin = LastOrgAdmin::RefusedForbidden, LastOrgAdmin::Allowed;
    /// Removal of a space's last admin from that space.
    last_space_admin: LastSpaceAdmin = LastSpaceAdmin::Refused, LastSpaceAdmin::Promotes;
    /// Who is promoted where somebody is.
    promotion: Promotion = Promotion::LongestMember, Promotion::LongestMember;
    /// What an org DELETE does to spaces.
    org_delete: OrgDelete = OrgDelete::KeepsSpaces, OrgDelete::EndsSpaces;
    /// The lists of `end_member_info`.
    preview_lists: PreviewLists = PreviewLists::Overlapping, PreviewLists::Overlapping;
    /// The employee network; decided when the population is built.
    employee_network: EmployeeNetwork = EmployeeNetwork::None, EmployeeNetwork::None;
    /// Names of spaces the asking org admin is not in.
    foreign_space_names: ForeignSpaceNames = ForeignSpaceNames::Shown, ForeignSpaceNames::Hidden;
    /// What `/org/{id}/space/` lists.
    org_spaces: OrgSpaces = OrgSpaces::All, OrgSpaces::All;
    /// What a deleted space answers.
    deleted_space: DeletedObject = DeletedObject::NotFound, DeletedObject::NotFound;
    /// What a deleted item answers.
    deleted_item: DeletedObject = DeletedObject::NotFound, DeletedObject::Gone;
    /// Addresses nobody has an account for, in `mails[]`: invited, or 400.
    unknown_mails: Acceptance = Acceptance::Refused, Acceptance::Accepted;
    /// How a 420 tells the wait.
    rate_limit_wait: RateLimitWait = RateLimitWait::Header, RateLimitWait::Text;
    /// `X-Rate-Limit-Limit` and `X-Rate-Limit-Remaining`.
    rate_limit_headers: Part = Part::Present, Part::Present;
    /// Whose calls are counted together.
    quota_key: QuotaKey = QuotaKey::Client, QuotaKey::ClientAndUser;
    /// What the lower of two ceilings counts.
    heavy_routes: HeavyRoutes = HeavyRoutes::Members, HeavyRoutes::Members;
    /// What an exhausted ceiling of two blocks.
    exhaustion: Exhaustion = Exhaustion::BlocksAll, Exhaustion::BlocksAll;
    /// What a call costs that was answered 420.
    rejected_calls: RejectedCalls = RejectedCalls::Free, RejectedCalls::Free;
    /// Language of error descriptions.
    error_language: ErrorLanguage = ErrorLanguage::English, ErrorLanguage::English;
    /// Hooks on organizations.
    org_hooks: Acceptance = Acceptance::Accepted, Acceptance::Refused;
    /// When a hook's verification is delivered.
    hook_verification: HookVerification = HookVerification::OnRequest, HookVerification::OnCreate;
    /// `member.add` and `member.remove` of spaces.
    member_events: MemberEvents = MemberEvents::Absent, MemberEvents::WithUser;
    /// `external_id` in an event of an item that has none: sent empty, or left out.
    empty_external_id: Part = Part::Absent, Part::Present;
    /// How often one delivery is sent.
    delivery_copies: DeliveryCopies = DeliveryCopies::One, DeliveryCopies::One;
    /// In which order deliveries arrive.
    delivery_order: DeliveryOrder = DeliveryOrder::AtOnce, DeliveryOrder::AtOnce;
    /// How often a failed delivery is tried again.
    hook_retries: u32 = 3, 3;
    /// Consecutive failures after which a hook becomes inactive.
    hook_failures_allowed: u32 = 50, 50;
    /// Seconds a hook's receiver has to answer.
    hook_timeout_seconds: u32 = 10, 10;
}

impl Switches {
    /// Sets one switch by name, as in `set("page-max", "100")`.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SwitchError> {
        let unknown = |reason| SwitchError::UnknownValue { name: name.to_owned(), value: value.to_owned(), reason };
        let mut all = serde_json::to_value(&*self).map_err(unknown)?;
        let slot = all.get_mut(name).ok_or_else(|| SwitchError::UnknownName(name.to_owned()))?;
        *slot = match slot {
            Value::String(_) => Value::from(value),
            _ => serde_json::from_str(value).map_err(unknown)?,
        };
        *self = serde_json::from_value(all).map_err(unknown)?;
        Ok(())
    }

    /// Sets one switch from `name=value`.
    pub fn apply(&mut self, assignment: &str) -> Result<(), SwitchError> {
        let (name, value) = assignment.split_once('=').ok_or_else(|| SwitchError::Malformed(assignment.to_owned()))?;
        self.set(name.trim(), value.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_set_by_its_kebab_case_name() {
        let mut switches = Switches::of(Profile::Guide);
        switches.apply("org-delete=ends-spaces").unwrap();
        switches.apply("page-max=7").unwrap();
        assert_eq!(switches.org_delete, OrgDelete::EndsSpaces);
        assert_eq!(switches.page_max, 7);
    }

    #[test]
    fn a_wrong_switch_says_what_is_wrong_and_changes_nothing() {
        let mut switches = Switches::of(Profile::Documented);
        assert!(matches!(switches.apply("no-such=1"), Err(SwitchError::UnknownName(_))));
        assert!(matches!(switches.apply("org-delete"), Err(SwitchError::Malformed(_))));
        let wrong = switches.apply("org-delete=maybe").unwrap_err().to_string();
        assert!(wrong.contains("ends-spaces"), "the choices are listed: {wrong}");
        assert_eq!(switches, Switches::of(Profile::Documented));
    }

    #[test]
    fn every_switch_can_be_set_to_everything_that_it_can_be() {
        let all = Switches::domains();
        let mut switches = Switches::of(Profile::Guide);
        for (name, domain) in &all {
            let values = match domain {
                Domain::Choices(values) => values.clone(),
                Domain::Number => vec!["7".to_owned()],
            };
            assert!(values.len() > 1 || *domain == Domain::Number, "{name} leaves no choice");
            for value in values {
                switches.set(name, &value).unwrap();
            }
        }
        let fields = serde_json::to_value(&switches).unwrap();
        assert_eq!(fields.as_object().unwrap().len(), all.len(), "and there is no other");
    }

    #[test]
    fn both_profiles_survive_a_round_trip() {
        for profile in [Profile::Guide, Profile::Documented] {
            let switches = Switches::of(profile);
            let text = serde_json::to_string(&switches).unwrap();
            assert_eq!(serde_json::from_str::<Switches>(&text).unwrap(), switches);
        }
    }
}
