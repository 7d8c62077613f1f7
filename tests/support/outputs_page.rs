//! The tables of docs/outputs.md, made from the types that are written.

use plainsight::report::columns::TABLES;
use plainsight::report::schema;
use serde_json::Value;
use std::fmt::Write as _;

/// docs/outputs.md with the tables between its marks made anew.
pub(crate) fn outputs_page(page: &str) -> String {
    let mut tables = vec![
        ("timeline".to_owned(), fields_of(schema::timeline_schema().as_value())),
        ("ecs".to_owned(), fields_of(schema::ecs_schema().as_value())),
    ];
    for table in TABLES {
        let mut rows = String::from("| column | type | in report.json |\n| --- | --- | --- |\n");
        for column in table.columns {
            let kind = column.kind.as_str();
            writeln!(rows, "| `{}` | {kind} | `{}` |", column.name, column.path).unwrap();
        }
        tables.push((table.file.to_owned(), rows));
    }
    let mut page = page.to_owned();
    for (name, rows) in tables {
        let mark = format!("<!-- made from the source: {name} -->\n");
        let start = page.find(&mark).unwrap_or_else(|| panic!("no mark `{mark}`")) + mark.len();
        let length = page[start..].find(END).unwrap_or_else(|| panic!("{name} has no end"));
        page.replace_range(start..start + length, &format!("\n{rows}\n"));
    }
    page
}

const END: &str = "<!-- end -->";

fn fields_of(schema: &Value) -> String {
    let mut rows = String::from("| field | type | |\n| --- | --- | --- |\n");
    fields(schema, schema, "", &mut rows);
    rows
}

/// A row for each field; of an object its fields, unless report.json describes them.
fn fields(root: &Value, of: &Value, before: &str, rows: &mut String) {
    for (name, field) in of["properties"].as_object().unwrap() {
        let path = format!("{before}{name}");
        let words = field["description"].as_str().unwrap_or_default().replace('\n', " ");
        let is_sure =
            of["required"].as_array().is_some_and(|all| all.contains(&name.as_str().into()));
        let object = referred(root, field);
        let kind = kind(field, object);
        let kind = if is_sure { kind } else { format!("{kind}, optional") };
        writeln!(rows, "| `{path}` | {kind} | {words} |").unwrap();
        if let Some(object) = object.filter(|object| object["type"] == "object") {
            fields(root, object, &format!("{path}."), rows);
        }
    }
}

/// What a reference, alone or beside null, leads to.
fn referred<'a>(root: &'a Value, field: &'a Value) -> Option<&'a Value> {
    let beside = field["anyOf"].as_array().and_then(|any| any.first()).unwrap_or(field);
    let place = beside["$ref"].as_str()?.strip_prefix('#')?;
    root.pointer(place)
}

fn kind(field: &Value, object: Option<&Value>) -> String {
    let types = match &field["type"] {
        Value::String(name) => name.as_str(),
        Value::Array(names) => names.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    };
    match types {
        "string" => "text".to_owned(),
        "array" if field["items"]["type"] == "string" => "list of text".to_owned(),
        "array" => {
            let of = field["items"]["$ref"].as_str().and_then(|place| place.rsplit('/').next());
            format!("list of `{}`", of.unwrap_or_default())
        }
        "" if object.is_some() => "object".to_owned(),
        "object" => "text by name".to_owned(),
        other => other.to_owned(),
    }
}
