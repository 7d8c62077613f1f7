//! The program and its library as users run them, one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "the helpers of tests stop a test by panicking and say what was not run"
)]

#[path = "../support/mod.rs"]
mod support;

mod collections;
mod commands;
mod gateway_logs;
mod state_causes;
mod state_exports;

mod policy;
mod prose;

mod protection;

mod findings;

mod compare;

mod scenarios;

mod obligation;

mod cases;

mod case_data;
mod pseudonyms;
mod streams;

mod bad_input;

mod names;

mod faults;

mod growth;

mod hidden;

mod publishing;

mod carve;

mod book;

mod book_shape;

mod determinism;

mod terminal;

mod what_if;

mod what_if_merge;

mod html;

mod browser;

mod outputs;

mod shared_forms;
mod spreadsheets;

mod verify;
mod verify_places;

mod schemas;

mod house;

mod captures;

mod captures_mutated;

mod damaged_pcap;

mod packed;

mod capture_formats;

mod conversations;

mod classification;

mod encapsulation;

mod roles;

mod statements;
mod tunnels;
mod windows;

mod ike;

mod ike_carriers;

mod ike_conditions;
mod ike_origins;
mod ike_outcomes;
mod ike_tables;

mod artefacts;

mod esp_null;

mod accuracy;

mod incidents;

mod metamorphic;

mod eventlog_lab;

mod eventlog_damage;

mod evtx_builder;

mod evtx_scan;

mod etl;

mod etl_places;
mod evt;

mod log_channels;

mod log_copies;
mod log_forms;

mod log_legacy;

mod log_sources;
mod log_trust;
mod log_zones;
mod many_machines;

mod ike_forged;

mod cause_limits;
mod cause_premises;
mod recipes;
mod record_ties;

mod log_statements;
mod suspicions;

mod text_exports;

mod text_tools;
mod two_captures;

mod segments;
