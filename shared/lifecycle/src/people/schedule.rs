//! How often an organization is audited.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::{
    ids::OrgId,
    work::{Calls, JobId, Priority, Waiting},
};

/// The time between two audits; none for never. Written as EventBridge writes it: `rate(1 day)`, `rate(12 hours)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditSchedule(Option<SignedDuration>);

/// Text that is no schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("rate(N minutes|hours|days), or empty for never")]
pub struct NotASchedule;

impl AuditSchedule {
    /// No audit begins by itself.
    pub const NEVER: Self = Self(None);

    /// The period; none for never.
    pub fn period(self) -> Option<SignedDuration> {
        self.0
    }

    /// The standing job that begins the audits of an organization, as it waits for the first time: a whole period. The
    /// period is part of its name, so that another schedule is another job, and the old one leaves the table by itself.
    pub fn standing(self, org: OrgId, now: Timestamp) -> Option<Waiting> {
        let period = self.0?;
        Some(Waiting {
            job: JobId::new(JobId::BEGIN_AUDITS, format!("{org}/{}", period.as_secs())),
            priority: Priority::Background,
            place: now,
            since: now,
            not_before: Some(now + period),
            faulted_at: None,
            calls: Calls::default(),
            group: None,
        })
    }

    /// The organization of a standing job, if it still belongs to this schedule.
    pub fn org_of(self, job: &JobId) -> Option<OrgId> {
        let (org, seconds) = job.subject.split_once('/')?;
        let org = org.parse().ok()?;
        (seconds.parse() == Ok(self.0?.as_secs())).then_some(org)
    }
}

/// Once a day.
impl Default for AuditSchedule {
    fn default() -> Self {
        Self(Some(SignedDuration::from_hours(24)))
    }
}

impl FromStr for AuditSchedule {
    type Err = NotASchedule;

    fn from_str(text: &str) -> Result<Self, NotASchedule> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::NEVER);
        }
        let rate = text.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or(NotASchedule)?;
        let (count, unit) = rate.trim().split_once(' ').ok_or(NotASchedule)?;
        let count: u32 = count.parse().map_err(|_| NotASchedule)?;
        let seconds: u32 = match unit.trim() {
            "minute" | "minutes" => 60,
            "hour" | "hours" => 3_600,
            "day" | "days" => 86_400,
            _ => return Err(NotASchedule),
        };
        // A year is more than anybody means, and far from any overflow.
        match i64::from(count) * i64::from(seconds) {
            period @ 60..=31_622_400 => Ok(Self(Some(SignedDuration::from_secs(period)))),
            _ => Err(NotASchedule),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_and_empty_means_never() {
        for (text, seconds) in [("rate(1 day)", 86_400), ("rate(5 minutes)", 300), (" rate(12 hours) ", 43_200)] {
            assert_eq!(text.parse::<AuditSchedule>().unwrap().period(), Some(SignedDuration::from_secs(seconds)));
        }
        assert_eq!("".parse(), Ok(AuditSchedule::NEVER));
        for wrong in [
            "1 day",
            "rate(0 days)",
            "rate(1 week)",
            "rate(day)",
            "rate(-1 day)",
            "cron(0 0 * * ? *)",
            "rate(9999 days)",
        ] {
            assert_eq!(wrong.parse::<AuditSchedule>(), Err(NotASchedule), "{wrong}");
        }
    }

    #[test]
    fn a_standing_job_of_another_schedule_is_not_ours() {
        let daily = AuditSchedule::default();
        let standing = daily.standing(OrgId(7), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(standing.not_before, Some(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24)));
        assert_eq!(daily.org_of(&standing.job), Some(OrgId(7)));
        let hourly: AuditSchedule = "rate(1 hour)".parse().unwrap();
        assert_eq!(hourly.org_of(&standing.job), None);
        assert_eq!(AuditSchedule::NEVER.org_of(&standing.job), None);
        assert_eq!(AuditSchedule::NEVER.standing(OrgId(7), Timestamp::UNIX_EPOCH), None);
    }
}
