//! Exports of a host's state: the audit policy (auditpol), SAs and connections (`netsh wfp show state`). The
//! SAs that PowerShell shows are rows of objects (`rows::netipsec`).
//!
//! A state is of one moment, which most exports do not name.

pub mod auditpol;

pub mod wfpstate;

mod policies;
