//! What is written against its schema, with a validator that is not ours.

use crate::support::hostile::hostile_log;
use crate::support::program::plainsight;
use plainsight::report::schema;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// The report of some evidence in every format that has a schema.
fn written(evidence: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let mut command = plainsight();
    command.arg("analyze").arg(evidence).arg("--out").arg(&out);
    command.args(["--format", "json,timesketch,ecs"]).assert().code(0);
    (folder, out)
}

/// What the program prints, made strict: an object has the fields that the schema names and no other.
fn printed(arguments: &[&str]) -> Value {
    let output = plainsight().args(arguments).output().unwrap();
    strict(serde_json::from_slice(&output.stdout).unwrap())
}

fn strict(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            for member in members.values_mut() {
                *member = strict(member.take());
            }
            if members.contains_key("properties") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = strict(item.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}

fn check(schema: &jsonschema::Validator, value: &Value, what: &str) {
    let errors: Vec<String> = schema
        .iter_errors(value)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {}", errors.join("\n"));
}

#[test]
fn every_sample_report_keeps_to_the_schema() {
    let report = jsonschema::validator_for(&printed(&["schema"])).unwrap();
    let manifest = jsonschema::validator_for(&printed(&["schema", "--manifest"])).unwrap();
    let line =
        |schema: schemars::Schema| jsonschema::validator_for(&strict(schema.to_value())).unwrap();
    let (timeline, ecs) = (line(schema::timeline_schema()), line(schema::ecs_schema()));
    let folder = tempfile::tempdir().unwrap();
    let mut evidence = crate::support::samples::folders(&samples());
    evidence.push(samples());
    evidence.push(hostile_log(folder.path()));
    for evidence in evidence {
        let (_folder, out) = written(&evidence);
        let what = evidence.display().to_string();
        let read = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(out.join(name)).unwrap()).unwrap()
        };
        check(&report, &read("report.json"), &what);
        check(&manifest, &read("manifest.json"), &what);
        for (name, schema) in [("timeline.jsonl", &timeline), ("ecs.jsonl", &ecs)] {
            for line in fs::read_to_string(out.join(name)).unwrap().lines() {
                check(schema, &serde_json::from_str(line).unwrap(), &format!("{what} {name}"));
            }
        }
    }
}

#[test]
fn a_report_that_breaks_the_schema_is_reported() {
    let schema = jsonschema::validator_for(&printed(&["schema"])).unwrap();
    let (_folder, out) = written(&samples().join("psk_mismatch"));
    let report: Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    assert!(schema.is_valid(&report));
    let broken = |change: &dyn Fn(&mut Value)| {
        let mut report = report.clone();
        change(&mut report);
        !schema.is_valid(&report)
    };
    assert!(broken(&|report| report["windows"][0]["frames"] = "many".into()));
    assert!(broken(&|report| report["windows"][0]["another"] = 1.into()));
    assert!(broken(&|report| {
        report["findings"][0].as_object_mut().unwrap().remove("pair");
    }));
}
