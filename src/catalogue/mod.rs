//! Tables of the field's fixed facts: one row a thing, its source in the row.
//!
//! Looks up; decides nothing.

mod reason;

mod advice;

mod events;

mod parameters;

mod windows_errors;

mod ike_notifies;

mod explain;

pub use advice::Advice;
pub use events::{Category, EventEntry, channel_of_source, event, events_numbered};
pub use explain::{Explained, explain};
pub use ike_notifies::{
    NotifyEntry, NotifySpace, exchange_name, notifies, notify, transform_name, v1_attribute_name,
    vendor_name,
};
pub use parameters::{parameter, parameter_number, with_parameters_spelled};
pub use reason::Reason;
pub use windows_errors::{
    WindowsError, parse_number, windows_error, windows_error_from_text, windows_error_in,
    windows_error_named,
};
