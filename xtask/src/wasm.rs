//! Builds the WebAssembly module and its JavaScript glue from the crate.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64ct::{Base64, Encoding};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::{self, say};
use crate::project::{self, Project};
use crate::stamp::Fingerprint;
use crate::{glue, tools};

/// The inputs of the bundle.
#[derive(Debug)]
pub(crate) struct Core {
    /// The optimized module.
    pub(crate) wasm: PathBuf,
    /// The compressed module in base64, as a JavaScript module.
    pub(crate) base64: PathBuf,
    /// The adapted glue; see `glue.rs`.
    pub(crate) glue: PathBuf,
    /// The short names by which the module imports the glue's functions, in the form of esbuild's `--mangle-cache`.
    pub(crate) short_names: PathBuf,
}

/// Compiles the crate, generates the glue and optimizes the module.
///
/// # Errors
///
/// The crate does not compile, a tool fails, or an engine rejects the module.
pub(crate) fn build(project: &Project) -> Result<Core> {
    tools::nightly()?;
    tools::npm_packages(project)?;
    let compiled = compile(project)?;

    let folder = folder(project);
    let core = Core {
        wasm: module(project),
        base64: folder.join("wasm.js"),
        glue: folder.join("glue.js"),
        short_names: folder.join("short-names.json"),
    };
    let stamp = folder.join("stamp");
    let inputs = inputs(project, &compiled)?;
    if inputs.matches(&stamp) {
        return Ok(core);
    }

    project::remove_folder(&folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let exports = generate(&compiled, &core)?;
    optimise(project, &core, &exports)?;
    inputs.leave(&stamp)?;
    Ok(core)
}

/// The path of the optimized module.
pub(crate) fn module(project: &Project) -> PathBuf {
    folder(project).join("core.wasm")
}

fn folder(project: &Project) -> PathBuf {
    project.npm().join("core")
}

/// Compiles the crate together with the standard library, which requires a nightly compiler.
///
/// The library that rustup installs is optimized for speed and formats the message of every panic. Compiled for size,
/// and with panics that trap without a message, `dist/index.js` is 11 % smaller compressed.
/// `pkg-template/src/core-instance.js` reports a trap to callers and starts another instance. The WebAssembly tests use the
/// installed library and print panics.
fn compile(project: &Project) -> Result<PathBuf> {
    say("Compiling the core to WebAssembly");
    let mut rustup = project.command("rustup");
    rustup
        .args([
            "run",
            tools::NIGHTLY,
            "cargo",
            "build",
            "--release",
            "--package=graphql-token-manager",
            "--lib",
        ])
        .arg("--target=wasm32-unknown-unknown")
        .args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"])
        .env("CARGO_TARGET_DIR", project.target())
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    process::run(&mut rustup)?;
    Ok(project.target().join("wasm32-unknown-unknown/release/graphql_token_manager.wasm"))
}

/// Compiler flags that reduce the size of the module, besides the profile in Cargo.toml.
const FLAGS: &[&str] = &[
    "-Zunstable-options",
    "-Cpanic=immediate-abort",
    // Omits the path of the source file at each place that can panic.
    "-Zlocation-detail=none",
    // Omits the output of `Debug`, which the module does not use.
    "-Zfmt-debug=none",
];

/// Computes the fingerprint of everything that determines the glue and the module.
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

/// Writes the glue, its types and the module before optimization. Returns the names of the module's exports.
fn generate(compiled: &Path, core: &Core) -> Result<Vec<String>> {
    say("Generating the glue");
    let folder = core.glue.parent().context("the glue has no folder")?;
    let mut output = Bindgen::new()
        .input_path(compiled)
        .out_name("core")
        .typescript(true)
        .remove_producers_section(true)
        .generate_output()
        .context("wasm-bindgen refused the compiled crate")?;
    // `wasm-opt --minify-imports` shortens the imports of the module with this name only.
    for import in output.wasm_mut().imports.iter_mut() {
        GLUE.clone_into(&mut import.module);
    }
    let exports = output.wasm_mut().exports.iter().map(|export| export.name.clone()).collect();
    output.emit(folder).context("cannot write the glue")?;

    let stock = project::read(&folder.join("core_bg.js"))?;
    project::write(&core.glue, glue::adapted(&stock)?)?;
    let types = project::read(&folder.join("core.d.ts"))?;
    project::write(&folder.join("glue.d.ts"), format!("{types}{GLUE_TYPES}"))?;
    Ok(exports)
}

/// The name of the glue in the module's imports; also in `pkg-template/src/boot.js`.
const GLUE: &str = "env";

/// Types of the glue that boot.js uses and that wasm-bindgen does not generate.
const GLUE_TYPES: &str = "
/** Glue for one instance of the module. */
export function makeGlue(): {
  NativeManager: typeof NativeManager;
  /** Hands the glue the exports of the instance it is to speak to. */
  __wbg_set_wasm(exports: object): void;
};
";

/// Optimizes the module and checks that an engine accepts it.
fn optimise(project: &Project, core: &Core, exports: &[String]) -> Result<()> {
    say("Making the module small");
    // No feature flags: wasm-opt reads the module's own `target_features`. With `--all-features` it writes an encoding
    // that every engine rejects.
    let mapping = process::output(
        project
            .npm_command("wasm-opt")
            .args(["-Oz", "--minify-imports"])
            .arg(core.wasm.with_file_name("core_bg.wasm"))
            .arg("--output")
            .arg(&core.wasm),
    )?;
    project::write(&core.short_names, short_names(&mapping, exports)?)?;
    let mut bytes = fs::read(&core.wasm).with_context(|| format!("cannot read {}", core.wasm.display()))?;
    bytes.extend(custom_section("graphql-token-manager", project.version()?)?);
    project::write(&core.wasm, &bytes)?;
    process::run(project.command("node").arg("xtask/scripts/check-module.js").arg(&core.wasm))?;
    inline(project, core, &bytes)
}

/// Writes the module as a JavaScript module, and checks that decoding it returns the original.
fn inline(project: &Project, core: &Core, module: &[u8]) -> Result<()> {
    let mut deflated = Vec::new();
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Deflate, module, &mut deflated)
        .context("cannot compress the module")?;
    project::write(&core.base64, format!("export default \"{}\";\n", Base64::encode_string(&deflated)))?;
    process::run(
        project.command("node").arg("xtask/scripts/check-inlined.js").arg(&core.base64).arg(&core.wasm),
    )
}

/// Creates a custom section with the version of the package. Engines skip it, and JavaScript compares the version of a
/// user-supplied module with its own; see `pkg-template/src/module-source/version-check.js`.
///
/// # Errors
///
/// The section is longer than 127 bytes, the limit of a length of one byte.
fn custom_section(name: &str, content: &str) -> Result<Vec<u8>> {
    const LARGEST: usize = 0x7f;
    let length = 1 + name.len() + content.len();
    let (length, name_length) = (u8::try_from(length)?, u8::try_from(name.len())?);
    ensure!(usize::from(length) <= LARGEST, "the section `{name}` is longer than {LARGEST} bytes");
    let mut section = vec![0, length, name_length];
    section.extend(name.bytes().chain(content.bytes()));
    Ok(section)
}

/// Converts the mapping that `wasm-opt --minify-imports` prints to the form that esbuild reads: each long name with its
/// short one, or with `false` if it is unchanged, as for the names of exports.
///
/// # Errors
///
/// The text is not such a mapping, possibly because of a new version of wasm-opt.
fn short_names(mapping: &str, exports: &[String]) -> Result<String> {
    let mapping: serde_json::Value = serde_json::from_str(mapping).context("wasm-opt printed no mapping")?;
    let imports = mapping["imports"].as_array().context("wasm-opt printed no imports")?;
    let mut names = serde_json::Map::new();
    for export in exports {
        names.insert(export.clone(), false.into());
    }
    for import in imports {
        let long = import[1].as_str().context("wasm-opt printed an import without a name")?;
        names.insert(long.to_owned(), import[2].clone());
    }
    Ok(serde_json::to_string(&names)?)
}

#[cfg(test)]
mod tests {
    use super::{custom_section, short_names};

    #[test]
    fn imports_get_short_names_and_exports_keep_theirs() {
        let mapping = r#"{ "imports": [["env", "__wbg_then_e3f7", "A"]], "exports": [] }"#;

        let names = short_names(mapping, &["__wbindgen_malloc".to_owned()]).unwrap();

        assert_eq!(names, r#"{"__wbg_then_e3f7":"A","__wbindgen_malloc":false}"#);
        assert!(short_names("{}", &[]).is_err());
    }

    #[test]
    fn a_custom_section_has_both_lengths_before_its_texts() {
        assert_eq!(custom_section("ab", "1.0").unwrap(), b"\x00\x06\x02ab1.0");
        assert!(custom_section("ab", &"1".repeat(0x7d)).is_err());
    }
}
