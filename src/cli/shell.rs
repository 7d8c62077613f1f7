//! `plainsight completions` and `plainsight man`: completion scripts and manual pages.

use super::{Cli, ExitStatus, Failure};
use clap::CommandFactory as _;
use clap_complete::{Generator, Shell, generate};
use clap_complete_nushell::Nushell;
use std::io::{self, Write as _};

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell
    shell: ShellName,
}

/// The shells by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ShellName {
    Bash,
    Elvish,
    Fish,
    Nushell,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

/// Print the manual pages: of the program, and of each of its commands
///
/// `plainsight man | man -l -` shows all of them, `plainsight man analyze | man -l -` the one of a command.
#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// Print the page of this command only; `plainsight` is the page of the program alone
    #[arg(value_name = "COMMAND", num_args = 0..)]
    command: Vec<String>,
}

pub(super) fn completions(args: &Completions) -> Result<ExitStatus, Failure> {
    let script = match args.shell {
        ShellName::Bash => script(Shell::Bash),
        ShellName::Elvish => script(Shell::Elvish),
        ShellName::Fish => script(Shell::Fish),
        ShellName::Nushell => script(Nushell),
        ShellName::PowerShell => script(Shell::PowerShell),
        ShellName::Zsh => script(Shell::Zsh),
    };
    anstream::stdout().lock().write_all(&script)?;
    Ok(ExitStatus::Done)
}

fn script(shell: impl Generator) -> Vec<u8> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "plainsight", &mut script);
    script
}

pub(super) fn man(args: &Man) -> Result<ExitStatus, Failure> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    if args.command.is_empty() {
        print_pages(&program, &mut pages)?;
    } else if args.command == ["plainsight"] {
        print_page(&program, &mut pages)?;
    } else {
        let mut command = &program;
        for name in &args.command {
            command = command.find_subcommand(name).ok_or_else(|| {
                let what = anyhow::anyhow!("no command has the name `{}`", args.command.join(" "));
                Failure::usage(what, "`plainsight --help` lists the commands")
            })?;
        }
        print_page(command, &mut pages)?;
    }
    anstream::stdout().lock().write_all(&pages)?;
    Ok(ExitStatus::Done)
}

/// The page of a command and those of its subcommands.
fn print_pages(command: &clap::Command, pages: &mut Vec<u8>) -> io::Result<()> {
    print_page(command, pages)?;
    command.get_subcommands().try_for_each(|command| print_pages(command, pages))
}

/// The foot of each page names the program and its version.
fn print_page(command: &clap::Command, pages: &mut Vec<u8>) -> io::Result<()> {
    let source = concat!("plainsight ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command.clone()).source(source).render(pages)
}
