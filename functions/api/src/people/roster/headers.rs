//! Which column is what, by its header: ours, and those that Google Workspace, Slack, Baton and GitLab export.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Email,
    OtherEmails,
    Name,
    FirstName,
    LastName,
    Status,
    LastDay,
    EmployeeId,
    Kind,
    /// Nothing that we need.
    Other,
}

impl Column {
    /// The column of that header. `Email Address [Required]` and `email_address` are the same.
    pub(super) fn of(header: &str) -> Self {
        let plain = header.split('[').next().unwrap_or(header).trim().trim_start_matches('\u{feff}').to_lowercase();
        let words: Vec<&str> =
            plain.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        match words.join("_").as_str() {
            "email" | "email_address" | "e_mail" | "e_mail_address" | "mail" | "primary_email" | "work_email"
            | "user_email" | "business_email" => Self::Email,
            "other_emails"
            | "other_email"
            | "secondary_email"
            | "secondary_emails"
            | "work_secondary_email"
            | "home_secondary_email"
            | "email_aliases"
            | "aliases"
            | "emails" => Self::OtherEmails,
            "name" | "full_name" | "fullname" | "display_name" | "displayname" | "real_name" | "employee_name" => {
                Self::Name
            }
            "first_name" | "firstname" | "given_name" => Self::FirstName,
            "last_name" | "lastname" | "family_name" | "surname" => Self::LastName,
            "status" | "state" | "account_status" | "user_status" | "employment_status" => Self::Status,
            "last_day" | "last_working_day" | "end_date" | "termination_date" => Self::LastDay,
            "employee_id" | "employee_number" | "employeeid" | "worker_id" => Self::EmployeeId,
            "type" | "employee_type" | "worker_type" | "employment_type" => Self::Kind,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_known_exports_are_understood() {
        for (header, column) in [
            ("email", Column::Email),
            ("Email Address [Required]", Column::Email),
            ("First Name [Required]", Column::FirstName),
            ("Last Name [Required]", Column::LastName),
            ("Status [READ ONLY]", Column::Status),
            ("Work Secondary Email", Column::OtherEmails),
            ("Employee ID", Column::EmployeeId),
            ("fullname", Column::Name),
            ("displayname", Column::Name),
            ("\u{feff}E-Mail", Column::Email),
            ("State", Column::Status),
            ("Recovery Email", Column::Other),
            ("Password [Required]", Column::Other),
            ("billing-active", Column::Other),
            ("", Column::Other),
        ] {
            assert_eq!(Column::of(header), column, "{header}");
        }
    }
}
