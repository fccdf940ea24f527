//! Which of its three forms a caller wants the record in.

use podio_lifecycle::evidence::envelope;

/// A form of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For programs.
    Json,
    /// For people.
    Html,
    /// For whoever wants to check it: the signed envelope.
    Envelope,
}

impl Form {
    /// The form that is named and liked best; JSON where none is.
    pub(super) fn wanted(accept: Option<&[u8]>) -> Self {
        let accept = accept.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default().to_ascii_lowercase();
        let liking = |media_type: &str| {
            let ranges = accept.split(',').map(|range| range.split(';').map(str::trim));
            ranges
                .filter_map(|mut parts| {
                    let named = parts.next() == Some(media_type);
                    let q = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
                    named.then_some(q.unwrap_or(0.0))
                })
                .fold(0.0, f32::max)
        };
        let (json, html, envelope) = (liking("application/json"), liking("text/html"), liking(envelope::MEDIA_TYPE));
        if envelope > 0.0 && envelope >= html && envelope >= json {
            Self::Envelope
        } else if html > 0.0 && html >= json {
            Self::Html
        } else {
            Self::Json
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_form_that_is_liked_best_is_given() {
        for (accept, form) in [
            (None, Form::Json),
            (Some("*/*"), Form::Json),
            (Some("application/json"), Form::Json),
            (Some("application/json, text/html;q=0.5"), Form::Json),
            (Some("text/html;q=0"), Form::Json),
            (Some("text/html"), Form::Html),
            (Some("Text/HTML; charset=utf-8"), Form::Html),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Form::Html),
            (Some("application/json;q=0.1, text/html ; q=0.9"), Form::Html),
            (Some(";;,,q=,text/htmlx"), Form::Json),
            (Some("application/vnd.dsse+json"), Form::Envelope),
            (Some("application/vnd.dsse+json;q=0.5, application/json"), Form::Json),
        ] {
            assert_eq!(Form::wanted(accept.map(str::as_bytes)), form, "{accept:?}");
        }
        assert_eq!(Form::wanted(Some(b"\xff")), Form::Json);
    }
}
