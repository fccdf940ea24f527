//! PATCH: operations in their order, all of them or none (RFC 7644, section 3.5.2).

use serde_json::{Map, Value};

use super::{
    Changed, Fault, Path, Refused, Wish,
    change::{Editor, How},
};

/// The most operations in one request.
const MOST_OPERATIONS: usize = 100;

/// Reads and applies the body of a PATCH.
///
/// # Errors
/// What is wrong with it; then none of its operations counts.
pub fn patch(before: &Wish, body: &Value) -> Result<Changed, Refused> {
    let syntax = |detail: &'static str| Refused::new(Fault::InvalidSyntax, detail);
    let Value::Object(body) = body else { return Err(syntax("The body must be an object with Operations.")) };
    let Some(Value::Array(operations)) = member(body, "Operations") else {
        return Err(syntax("Operations must be a list."));
    };
    if operations.is_empty() {
        return Err(syntax("Operations must not be empty."));
    }
    if operations.len() > MOST_OPERATIONS {
        return Err(Refused::new(Fault::TooMany, "A request has at most 100 operations."));
    }
    let mut editor = Editor::new(before.clone());
    for operation in operations {
        let Value::Object(operation) = operation else { return Err(syntax("Each operation must be an object.")) };
        apply(&mut editor, operation)?;
    }
    editor.finish()
}

fn apply(editor: &mut Editor, operation: &Map<String, Value>) -> Result<(), Refused> {
    let path = match member(operation, "path") {
        None | Some(Value::Null) => Path::Whole,
        Some(Value::String(text)) if text.trim().is_empty() => Path::Whole,
        Some(Value::String(text)) => Path::parse(text)
            .map_err(|problem| Refused::new(Fault::InvalidPath, format!("A path cannot be read: {problem}.")))?,
        Some(_) => return Err(Refused::new(Fault::InvalidPath, "A path must be a text.")),
    };
    let value = member(operation, "value");
    let name = match member(operation, "op") {
        Some(Value::String(name)) => name.to_ascii_lowercase(),
        _ => String::new(),
    };
    let how = match name.as_str() {
        "add" => How::Add,
        "replace" => How::Replace,
        "remove" => {
            return match path {
                Path::Whole => Err(Refused::new(Fault::NoTarget, "An operation that removes must have a path.")),
                Path::Ignored => Ok(()),
                Path::Known(place) => editor.remove(&place, value.filter(|value| !value.is_null())),
            };
        }
        _ => return Err(Refused::new(Fault::InvalidSyntax, "op must be add, replace or remove.")),
    };
    let missing = || Refused::new(Fault::InvalidValue, "An operation that adds or replaces must have a value.");
    match (path, value.ok_or_else(missing)?) {
        (Path::Ignored, _) => Ok(()),
        (Path::Known(place), value) => editor.set(how, &place, value),
        (Path::Whole, Value::Object(fields)) => editor.object(how, fields),
        (Path::Whole, _) => Err(Refused::new(Fault::InvalidValue, "Without a path, value must be an object.")),
    }
}

/// A member of a message, by its name without regard to case.
fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}
