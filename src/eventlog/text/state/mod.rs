//! Exports of a host's state: what is audited (auditpol), which SAs and connections there are (`netsh wfp show
//! state`). The SAs that PowerShell shows are rows of objects (`rows::netipsec`).
//!
//! What they say holds for one moment, and most do not name it.

pub mod auditpol;

pub mod wfpstate;

mod policies;
