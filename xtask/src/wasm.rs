//! Makes the WebAssembly module and its JavaScript glue from the crate.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64ct::{Base64, Encoding};
use wasm_bindgen_cli_support::Bindgen;

use crate::names::Names;
use crate::process::{self, say};
use crate::project::{self, Project};
use crate::stamp::Fingerprint;
use crate::{glue, order, tools};

/// What the bundle is made from.
#[derive(Debug)]
pub(crate) struct Core {
    /// The optimised module.
    pub(crate) wasm: PathBuf,
    /// The module as JavaScript: compressed, as base64, and its size.
    pub(crate) base64: PathBuf,
    /// The glue with lazy text conversion.
    pub(crate) glue: PathBuf,
}

/// Compiles the crate, generates the glue and makes the module small.
///
/// # Errors
///
/// The crate does not compile, a tool fails, or the module is one that engines refuse.
pub(crate) fn build(project: &Project) -> Result<Core> {
    tools::wasm_target()?;
    // The standard library is compiled with the core.
    tools::rust_component("rust-src")?;
    tools::npm_packages(project)?;
    let compiled = compile(project)?;

    let folder = folder(project);
    let core = Core { wasm: module(project), base64: folder.join("wasm.js"), glue: folder.join("glue.js") };
    let stamp = folder.join("stamp");
    let inputs = inputs(project, &compiled)?;
    if inputs.matches(&stamp) {
        return Ok(core);
    }

    project::remove_folder(&folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    generate(&compiled, &core)?;
    optimise(project, &core)?;
    inputs.leave(&stamp)?;
    Ok(core)
}

/// Where the optimised module is written.
pub(crate) fn module(project: &Project) -> PathBuf {
    folder(project).join("core.wasm")
}

fn folder(project: &Project) -> PathBuf {
    project.npm().join("core")
}

fn compile(project: &Project) -> Result<PathBuf> {
    say("Compiling the core to WebAssembly");
    let mut cargo = project.cargo();
    cargo
        .args(["build", "--release", "--package=graphql-token-manager", "--lib"])
        .arg("--target=wasm32-unknown-unknown")
        // The standard library too, for size: the one that rustup installs is made for speed, and
        // holds the texts of all its panics.
        .args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"])
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        // Lets the stable compiler take these flags; what it compiles is stable Rust all the same.
        .env("RUSTC_BOOTSTRAP", "1");
    process::run(&mut cargo)?;
    Ok(project.target().join("wasm32-unknown-unknown/release/graphql_token_manager.wasm"))
}

/// What makes the module small, besides the profile in Cargo.toml.
///
/// A panic becomes a trap without a text. The face tells users of either in the same words, and
/// starts another core; tests of the WebAssembly side are built without these flags, and print it.
const FLAGS: &[&str] = &[
    "-Zunstable-options",
    "-Cpanic=immediate-abort",
    // Folders of this machine, among other things: each place that can panic has its file's path.
    "-Zlocation-detail=none",
    // No message of ours is made by `Debug`.
    "-Zfmt-debug=none",
    // Small functions become a part of their callers while types are still known, as is usual where speed
    // counts; LLVM, which sees them later, takes less out: 1.5 KB compressed, 1.1 with the usual thresholds.
    "-Zinline-mir=yes",
    "-Zinline-mir-threshold=20",
    "-Zinline-mir-hint-threshold=40",
];

/// Everything that decides what the glue and the module look like.
fn inputs(project: &Project, compiled: &Path) -> Result<Fingerprint> {
    let mut inputs = Fingerprint::default();
    inputs
        .add_file(compiled)?
        .add(project.version_of("wasm-bindgen-cli-support")?.as_bytes())
        .add(project.version()?.as_bytes())
        .add_file(&project.path("package-lock.json"))?
        .add_folder(&project.path("xtask"))?;
    Ok(inputs)
}

/// Writes the glue, its types, and the module before it is made small.
fn generate(compiled: &Path, core: &Core) -> Result<()> {
    say("Generating the glue");
    let folder = core.glue.parent().context("the glue has no folder")?;
    let mut output = Bindgen::new()
        .input_path(compiled)
        // Also the name by which the module imports the glue; boot.js says it too.
        .out_name("core")
        .typescript(true)
        .remove_producers_section(true)
        .generate_output()
        .context("wasm-bindgen refused the compiled crate")?;
    let mut names = Names::default();
    for import in output.wasm_mut().imports.iter_mut() {
        import.name = names.import(&import.name);
    }
    for export in output.wasm_mut().exports.iter_mut() {
        export.name = names.export(&export.name);
    }
    output.emit(folder).context("cannot write the glue")?;

    let stock = project::read(&folder.join("core_bg.js"))?;
    project::write(&core.glue, glue::adapted(&stock, &names)?)?;
    let types = project::read(&folder.join("core.d.ts"))?;
    project::write(&folder.join("glue.d.ts"), format!("{types}{GLUE_TYPES}"))
}

/// What boot.js uses of the glue, which wasm-bindgen leaves out of the types.
const GLUE_TYPES: &str = "
/** Glue for one instance of the module. */
export function makeGlue(): {
  Core: typeof Core;
  /** Hands the glue the exports of the instance it is to speak to. */
  __wbg_set_wasm(exports: object): void;
};
";

/// Inlines nothing. What is called once takes less place inlined, but large functions compress worse: their locals have
/// many numbers, and what repeats is apart. Without these, the module is 3 % smaller, and 5 % larger compressed.
const SEPARATE: &[&str] = &[
    "--always-inline-max-function-size=0",
    "--flexible-inline-max-function-size=0",
    "--one-caller-inline-max-function-size=0",
];

/// Makes the module small and proves that an engine takes it.
fn optimise(project: &Project, core: &Core) -> Result<()> {
    say("Making the module small");
    let generated = core.wasm.with_file_name("core_bg.wasm");
    // No feature flags: wasm-opt reads the module's own `target_features`. With
    // `--all-features` it writes an encoding that every engine refuses.
    let ordered = core.wasm.with_file_name("core_ordered.wasm");
    let wasm_opt = |options: &[&str], input: &Path| {
        process::run(project.npm_command("wasm-opt").args(options).arg(input).arg("--output").arg(&core.wasm))
    };
    let read = || fs::read(&core.wasm).with_context(|| format!("cannot read {}", core.wasm.display()));
    // Twice: what the first leaves, the second makes still smaller. And what is added to an address may be a part of
    // the access: nothing is so low that the sum would be another (the stack's far end is).
    wasm_opt(&[&["-Oz", "-Oz", "--low-memory-unused"], SEPARATE].concat(), &generated)?;
    project::write(&ordered, order::named(&read()?)?)?;
    wasm_opt(&["--reorder-functions-by-name"], &ordered)?;
    let mut bytes = read()?;
    bytes.extend(custom_section("graphql-token-manager", project.version()?)?);
    project::write(&core.wasm, &bytes)?;
    process::run(project.command("node").arg("xtask/scripts/check-module.js").arg(&core.wasm))?;
    inline(project, core, &bytes)
}

/// Writes the module as JavaScript, and proves that what undoes it gives the module again.
fn inline(project: &Project, core: &Core, module: &[u8]) -> Result<()> {
    let mut deflated = Vec::new();
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Deflate, module, &mut deflated)
        .context("cannot compress the module")?;
    let (base64, size) = (Base64::encode_string(&deflated), module.len());
    project::write(&core.base64, format!("export default \"{base64}\";\nexport const size = {size};\n"))?;
    process::run(
        project.command("node").arg("xtask/scripts/check-inlined.js").arg(&core.base64).arg(&core.wasm),
    )
}

/// A section that engines skip and JavaScript can read: the face looks there whether a module that it
/// is given speaks its language; see `pkg-template/src/module/checked.js`.
///
/// # Errors
///
/// The texts are longer than a length of one byte can tell.
fn custom_section(name: &str, content: &str) -> Result<Vec<u8>> {
    const LARGEST: usize = 0x7f;
    let length = 1 + name.len() + content.len();
    let (length, name_length) = (u8::try_from(length)?, u8::try_from(name.len())?);
    ensure!(usize::from(length) <= LARGEST, "the section `{name}` is longer than {LARGEST} bytes");
    let mut section = vec![0, length, name_length];
    section.extend(name.bytes().chain(content.bytes()));
    Ok(section)
}

#[cfg(test)]
mod tests {
    use super::custom_section;

    #[test]
    fn a_custom_section_has_both_lengths_before_its_texts() {
        assert_eq!(custom_section("ab", "1.0").unwrap(), b"\x00\x06\x02ab1.0");
        assert!(custom_section("ab", &"1".repeat(0x7d)).is_err());
    }
}
