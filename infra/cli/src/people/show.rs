//! Tables for a terminal.

use serde_json::Value;

/// No cell is wider.
const WIDEST: usize = 40;

/// A value as people read it. What would move the cursor or colour the terminal is left out: members write their own names.
pub fn line(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Items as lines with headers.
pub fn table(items: &[Value], columns: &[&str]) -> String {
    let cut = |text: String| match text.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    let header: Vec<String> = columns.iter().map(|column| column.replace('_', " ").to_uppercase()).collect();
    let rows = items.iter().map(|item| columns.iter().map(|column| cut(line(&item[*column]))).collect());
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    let widths: Vec<usize> =
        (0..columns.len()).map(|n| rows.iter().map(|row| row[n].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let items = [json!({"user_id": 7, "name": "Jane"}), json!({"user_id": 1002, "name": null})];
        assert_eq!(table(&items, &["user_id", "name"]), "USER ID  NAME\n7        Jane\n1002\n");
    }

    #[test]
    fn a_name_cannot_write_to_the_terminal() {
        assert_eq!(line(&json!("\u{1b}[31mJane\r\n")), " [31mJane  ");
        assert!(table(&[json!({"name": "x".repeat(200)})], &["name"]).contains('…'));
    }
}
