//! The command line: the only place that knows arguments, standard output and standard error.
//!
//! One module a command; each wires what the library offers and judges nothing.

mod options;

mod reading;

mod judging;

mod analyze;

mod summarize;

mod correlate;

mod compare;

mod inspect;
mod inspect_log;

mod message_sequence;

mod explain;

mod policy;

mod keys;

mod case;

mod verify;

mod pseudonyms;

mod schema;

mod shell;

mod exit;

mod failure;

mod terminal;

mod wrap;

mod glyphs;

mod timeline;

mod activity;

mod progress;

mod stopping;

pub use exit::ExitStatus;

use failure::{Failure, interrupted};

use clap::{Parser, Subcommand};
use std::io::Write as _;

/// Was this traffic really protected by IPsec, when was it not, and why?
///
/// Reads captures (pcap, pcapng) and exported Windows event logs (.evtx, .evt), and finds the windows
/// in which hosts exchanged clear text that should have been protected, and the IKE failures that
/// explain them. Works offline and never changes the evidence.
#[derive(Debug, Parser)]
#[command(name = "plainsight", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Analyze(analyze::Args),
    Summarize(summarize::Args),
    Correlate(correlate::Args),
    Inspect(inspect::Args),
    Compare(compare::Args),
    Explain(explain::Args),
    Policy(policy::Args),
    Verify(verify::Args),
    Pseudonyms(pseudonyms::Args),
    Schema(schema::Args),
    Completions(shell::Completions),
    Man(shell::Man),
}

/// Runs the program with the arguments it was started with.
#[must_use]
pub fn run() -> ExitStatus {
    // What a fault of ours quotes may come from evidence.
    std::panic::set_hook(Box::new(|fault| {
        let fault = terminal::escape(&fault.to_string());
        let _ = writeln!(anstream::stderr().lock(), "plainsight: internal error: {fault}");
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error.
            let _ = error.print();
            return if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Done };
        }
    };
    let result = match cli.command {
        Command::Analyze(args) => analyze::run(&args),
        Command::Summarize(args) => summarize::run(&args),
        Command::Correlate(args) => correlate::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Pseudonyms(args) => pseudonyms::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    };
    result.unwrap_or_else(|failure| {
        if failure.status == ExitStatus::Done {
            return failure.status;
        }
        let mut error = wrap::standard_error();
        // Where standard error is closed, nobody can read the message.
        let _ = failure.print(&mut error).and_then(|()| error.flush());
        failure.status
    })
}
