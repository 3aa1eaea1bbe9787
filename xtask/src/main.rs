//! Builds, packs, demonstrates, tests and measures graphql-token-manager.
//!
//! ```text
//! wasm.rs             src/ ──cargo──▶ .wasm ──wasm-bindgen──▶ glue ──glue.rs──▶ glue for several instances
//!                                        └──────wasm-opt──▶ small .wasm ──▶ deflated, base64
//! scripts/bundle.js   pkg-template/ + both ──esbuild, terser──▶ target/npm/package
//! scripts/pack.js     ──npm pack──▶ tarball, with exactly the files of files.txt, within budgets.txt
//! test.rs             the parts of `cargo xtask test`
//! tools.rs            installs the tools of the others, and announces it
//! ```

#![allow(clippy::print_stdout, reason = "a command's output is its purpose")]

use std::env;
use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Error, Result, bail};

mod glue;
mod package;
mod process;
mod test;
mod tools;
mod wasm;

const HELP: &str = "\
Builds, packs, shows, tests and measures graphql-token-manager.

Usage: cargo xtask <COMMAND>

  build               compile the core and make the content of the npm package,
                      in target/npm/package
  pack                build, make the tarball, install it into node_modules; the
                      last line printed is the path of the tarball
  demo                pack, then run the package's command `demo`
    --seconds N         and its other flags; `npx graphql-token-manager demo --help`
  docs                pack, then build the documentation site in target/docs/site,
                      and check its links
    --serve [PORT]      and serve it on 127.0.0.1, at any free port by default
  test                run every part; ends with `N passed, N failed`
    --only NAME...    run these parts only (an unknown name lists them)
    --all             also what takes minutes more: frameworks, older majors of
                      tools, real servers, longer fuzzing, a second build that
                      must be the same
  bench [NAME...]     pack, then measure the package beside its peers, and write
                      BENCHMARKS.md (an unknown name lists the benches)
  fuzz [TARGET...]    pack, then give the package generated inputs; a failure is
                      shrunk, printed with its seed and kept in fuzz/corpus
    --time SECONDS      for each target (60)
    --seed N --path P   the same inputs again, of one target
  help                this text

Needs the Rust of rust-toolchain.toml and Node 20 or newer with npm. Anything
else is installed when it is missing, and named before that happens.";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((&command, options)) = arguments.split_first() else {
        bail!("no command given; `cargo xtask help` lists them");
    };
    if command == "help" || arguments.iter().any(|word| matches!(*word, "--help" | "-h")) {
        // Not `println!`, which panics if the reader ends early, as `head` does.
        let written = writeln!(std::io::stdout(), "{HELP}");
        return Ok(if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    enter_repository()?;
    match (command, options) {
        ("build", []) => package::build()?,
        ("pack", []) => println!("{}", package::pack()?),
        ("build" | "pack", [option, ..]) => bail!("`{command}` takes no argument, but `{option}` was given"),
        ("demo", options) => {
            package::pack()?;
            // Replaces this process, so that Ctrl-C ends the demo in its own way.
            let error = Command::new("node").args([package::PROGRAM, "demo"]).args(options).exec();
            return Err(Error::new(error).context("cannot start node"));
        }
        ("docs", options) => {
            package::pack()?;
            package::docs(options)?;
        }
        ("test", options) => return test::run(options),
        ("bench", names) => bench(names)?,
        ("fuzz", options) => {
            package::pack()?;
            process::run(Command::new("node").arg("fuzz/main.js").args(options))?;
        }
        _ => bail!("no command `{command}`; `cargo xtask help` lists them"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the repository the working directory. Every path in this tool is relative to it.
fn enter_repository() -> Result<()> {
    // Cargo sets this variable when it runs the tool, so a repository that was moved is found. The value from compile
    // time is for a tool that was started directly.
    let manifest = env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let root = Path::new(&manifest).parent().context("the build tool has no parent folder")?;
    env::set_current_dir(root).with_context(|| format!("cannot enter {}", root.display()))
}

/// Runs the benchmarks with these names, or all. Each is a folder of `bench` with a `main.js`, which checks its bounds.
fn bench(names: &[&str]) -> Result<()> {
    let mut known = Vec::new();
    for entry in fs::read_dir("bench").context("cannot list bench")? {
        let entry = entry?;
        if entry.path().join("main.js").is_file() {
            known.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    known.sort();
    if let Some(unknown) = names.iter().find(|name| !known.iter().any(|bench| bench == *name)) {
        bail!("no bench is called `{unknown}`; these are: {}", known.join(", "));
    }
    package::pack()?;
    tools::npm_ci("bench")?;
    tools::browsers_and_redis()?;
    process::run(tools::npm_program("tsc").args(["--project", "bench/tsconfig.json"]))?;
    let mut failed = Vec::new();
    for name in known.iter().filter(|name| names.is_empty() || names.contains(&name.as_str())) {
        let mut node = Command::new("node");
        node.arg(format!("bench/{name}/main.js")).env("GECKODRIVER", tools::geckodriver()?);
        failed.extend(process::run(&mut node).err().map(|error| format!("{error:#}")));
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    Ok(())
}
