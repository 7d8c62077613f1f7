//! Tables of the field's fixed facts: one row a thing, its source in the row.
//!
//! Looks up; decides nothing.

mod ike_notifies;
mod reason;

pub use ike_notifies::{
    NotifyEntry, NotifySpace, exchange_name, notifies, notify, transform_name, v1_attribute_name,
    vendor_name,
};
pub use reason::Reason;
