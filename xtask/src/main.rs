//! Builds, packs, demonstrates, tests and measures graphql-token-manager.
//!
//! ```text
//! wasm.rs     src/ ──cargo──▶ .wasm ──wasm-bindgen──▶ glue ──glue.rs──▶ lazy glue
//!                                └──────wasm-opt──▶ small .wasm ──▶ deflated, base64
//! package.rs  pkg-template/ + both ──esbuild, terser──▶ dist/ ──npm pack──▶ tarball ──▶ node_modules
//! fuzz.rs     generated inputs for the installed package: fuzz/targets, fuzz/corpus
//! bench.rs    comparison with other packages: bench/ ──▶ BENCHMARKS.md
//! parts.rs    the parts of `cargo xtask test`; suite.rs runs them, count.rs counts the tests
//! tools.rs    installs the tools of the others, and announces it
//! ```

#![allow(clippy::print_stdout, reason = "a command's output is its purpose")]

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::project::Project;

mod bench;
mod browser;
mod count;
mod demo;
mod fuzz;
mod glue;
mod licenses;
mod lock;
mod package;
mod parts;
mod process;
mod project;
mod reproducible;
mod stamp;
mod suite;
mod tools;
mod wasm;

const HELP: &str = "\
Builds, packs, shows, tests and measures graphql-token-manager.

Usage: cargo xtask <COMMAND>

  build               compile the core to WebAssembly and bundle dist/
  pack                build, make the npm package, install it into node_modules;
                      the last line printed is the path of the tarball
  demo                pack what changed, then run examples/demo/demo.js
    --seconds N         and its other options; `node examples/demo/demo.js --help`
  test                run every part; ends with `N passed, N failed`
    --only NAME...    run these parts only (an unknown name lists them)
    --all             also what takes minutes more: frameworks, older majors
  bench [NAME...]     measure the package beside its peers, and write BENCHMARKS.md
                      (an unknown name lists the benches)
  fuzz [TARGET...]    pack, then give the package generated inputs; a failure is
                      shrunk, printed with its seed and kept in fuzz/corpus
    --time SECONDS      for each target (60)
    --seed N --path P   the same inputs again, of one target
  help                this text

Needs the Rust of rust-toolchain.toml and Node 20 or newer with npm. Anything
else is installed when it is missing, and named before that happens.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((&command, rest)) = arguments.split_first() else {
        bail!("no command given; `cargo xtask help` lists them");
    };
    if rest.iter().any(|word| matches!(*word, "--help" | "-h")) {
        return Ok(help());
    }
    match (command, rest) {
        ("help" | "--help" | "-h", _) => return Ok(help()),
        ("build", []) => package::bundle(&Project::open()?)?,
        ("pack", []) => {
            let project = Project::open()?;
            let tarball = package::pack(&project)?;
            package::install(&project, &tarball)?;
            println!("{}", tarball.display());
        }
        ("demo", options) => return demo::run(&Project::open()?, options),
        ("test", options) => {
            let selection = parts::Selection::parse(options)?;
            return Ok(suite::run(&Project::open()?, &selection));
        }
        ("fuzz", words) => {
            let project = Project::open()?;
            let counts = fuzz::run(&project, &fuzz::Plan::of(&project, words)?)?;
            if counts.failed > 0 {
                bail!("{} of {} targets failed", counts.failed, counts.total());
            }
        }
        ("bench", names) => {
            let benches = bench::named(names)?;
            bench::run(&Project::open()?, &benches)?;
        }
        ("build" | "pack", [option, ..]) => {
            bail!("`{command}` takes no argument, but `{option}` was given");
        }
        _ => bail!("no command `{command}`; `cargo xtask help` lists them"),
    }
    Ok(ExitCode::SUCCESS)
}

fn help() -> ExitCode {
    // Not `println!`, which panics if the reader ends early, as `head` does.
    match writeln!(std::io::stdout(), "{HELP}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
