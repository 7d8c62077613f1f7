//! Tables of the field's fixed facts: one row a thing, its source in the row.
//!
//! Looks up; decides nothing.

mod confidence;

mod reason;

mod advice;

mod events;

mod gateway_events;

mod state_events;

mod event_fields;
mod guide;

mod event_messages;

mod parameters;

mod windows_errors;

mod ras_errors;

mod ike_notifies;

mod ike_numbers;

mod ike_strength;

mod esp_algorithms;

mod ike_vendors;

mod explain;

pub mod saved;

pub use advice::Advice;
pub use confidence::Confidence;
pub use esp_algorithms::{logged_cipher, logged_digest};
pub use event_fields::{field_names, is_field_of};
pub use event_messages::{MessageLayout, message_layouts};
pub use events::{
    Category, DROPS, DROPS_PROVIDER, EventEntry, NET_EVENTS, channel_of_source, event,
    events_numbered, knows_log,
};
pub use explain::{Explained, explain};
pub use gateway_events::{CHARON, GatewayEvent, PLUTO};
pub use guide::Guide;
pub use ike_notifies::{NotifyEntry, NotifySpace, notifies, notify};
pub use ike_numbers::{
    ExchangeEntry, exchange_type, exchange_types, ike_group, ike_payload_type, ike_protocol,
    ikev1_authentication, ikev1_encryption, ikev1_hash, ikev2_transform,
};
pub use ike_strength::{Weakness, weakness};
pub use ike_vendors::{IkeVendor, ike_vendor};
pub use parameters::{
    parameter, parameter_note, parameter_number, parameter_of_text, with_parameters_spelled,
};
pub use ras_errors::ras_error;
pub use reason::Reason;
pub use state_events::{
    AUDIT_WANTED, AUDITED_NOW, AUDITPOL, CONNECTION_UNDER_SA, CONNECTION_WITHOUT_SA, IKE_SA_NOW,
    IPSEC_COUNTERS, IPSEC_FILTER_NOW, IPSEC_SA_NOW, POLICY_NOW, SA_STATE,
};
pub use windows_errors::{
    WindowsError, parse_number, windows_error, windows_error_from_text, windows_error_in,
    windows_error_named,
};
