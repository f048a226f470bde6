//! The `bluemarble` program: its commands, exit codes and output.
//!
//! Exit codes: 0 done, 1 failed, 2 misused (arguments or configuration), 70 stored data can no longer be trusted.

mod bots;
mod demo;
mod log;
mod out;
mod replay;
mod serve;
mod token;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{ConfigError, LogFormat};
use crate::planet;
use crate::server::ServerError;
use log::Log;

/// The spatial engine for worlds the size of a planet
#[derive(Parser)]
#[command(name = "bluemarble", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make, check, query and draw planets
    Planet(planet::PlanetArgs),
    /// Serve a world
    Serve(Box<serve::ServeArgs>),
    /// Fill a served world with clients that walk about and check what they receive
    Bots(bots::BotsArgs),
    /// Serve the Earth with agents and bots, and show it
    Demo(demo::DemoArgs),
    /// Issue a ticket that lets a player in
    Token(token::TokenArgs),
    /// Run a world's journal again
    Replay(replay::ReplayArgs),
    /// Back up a world, restore it, check what is stored of it
    World(world::WorldArgs),
}

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // A server is told by its configuration how to log.
    if !matches!(cli.command, Command::Serve(_)) {
        drop(Log::start(LogFormat::Text, "warn"));
    }
    let done = match cli.command {
        Command::Planet(args) => planet::run(args),
        Command::Serve(args) => serve::run(&args),
        Command::Bots(args) => bots::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Replay(args) => replay::run(args),
        Command::World(args) => world::run(&args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("bluemarble: {}", causes(&error));
        ExitCode::from(exit_code(&error))
    })
}

/// An error and its causes, without those that an error before has already put into its own words.
fn causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<ServerError>() {
        return error.exit_code();
    }
    let misused = error.is::<ConfigError>() || error.is::<Misuse>();
    if misused { 2 } else { 1 }
}

/// Arguments that make no sense together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misuse(String);
