//! The JSON Schema of a whole scenario, overlays' sections included: what editors check against.
use schemars::Schema;
use serde_json::{Map, Value, json};

use crate::model::Scenario;

/// The schema of a scenario in which these overlays, by name and by the schema of their
/// configuration, may have sections.
#[must_use]
pub fn schema(overlays: &[(&str, Schema)]) -> Value {
    let mut root = schemars::schema_for!(Scenario).to_value();
    let mut sections = Map::new();
    let mut definitions = Map::new();
    for (name, section) in overlays {
        let mut section = section.clone().to_value();
        if let Some(fields) = section.as_object_mut() {
            fields.remove("$schema");
            if let Some(Value::Object(own)) = fields.remove("$defs") {
                // Two overlays may call different things by the same name.
                definitions
                    .extend(own.into_iter().map(|(what, is)| (format!("{name}.{what}"), is)));
            }
        }
        rename_references(&mut section, name);
        sections.insert((*name).to_owned(), section);
    }
    for (what, definition) in &mut definitions {
        let overlay = what.split('.').next().unwrap_or_default();
        rename_references(definition, overlay);
    }
    if let Some(fields) = root.get_mut("properties").and_then(Value::as_object_mut) {
        fields.insert(
            "overlays".to_owned(),
            json!({
                "description": "Each overlay's own section, by the overlay's name.",
                "type": "object",
                "properties": sections,
                "additionalProperties": false,
                "default": {},
            }),
        );
    }
    if let Some(own) = root.get_mut("$defs").and_then(Value::as_object_mut) {
        own.extend(definitions);
    }
    root
}

fn rename_references(schema: &mut Value, overlay: &str) {
    match schema {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(to) if name == "$ref" => {
                        if let Some(what) = to.strip_prefix("#/$defs/") {
                            *to = format!("#/$defs/{overlay}.{what}");
                        }
                    }
                    _ => rename_references(field, overlay),
                }
            }
        }
        Value::Array(elements) => {
            elements.iter_mut().for_each(|element| rename_references(element, overlay));
        }
        _ => {}
    }
}
