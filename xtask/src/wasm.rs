//! Builds the WebAssembly module and its JavaScript glue from the crate.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64ct::{Base64, Encoding};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::{self, say};
use crate::{glue, tools};

/// The folder of the inputs of `scripts/bundle.js`: `core.wasm`, the optimized module; `wasm.js`, the same compressed,
/// in base64, as a JavaScript module; `glue.js`, the adapted glue (see `glue.rs`); `short-names.json`, the names by
/// which the module imports the glue's functions, in the form of esbuild's `mangleCache`.
const FOLDER: &str = "target/npm/core";

/// Compiles the crate, generates the glue and optimizes the module.
///
/// # Errors
///
/// The crate does not compile, or a tool fails.
pub(crate) fn build() -> Result<()> {
    tools::nightly()?;
    let compiled = compile()?;
    let folder = Path::new(FOLDER);
    let inputs = [compiled.clone(), env::current_exe()?, "package-lock.json".into()];
    if tools::is_newer(&folder.join("wasm.js"), &inputs) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {FOLDER}"))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {FOLDER}"))?;
    let exports = generate(&compiled, folder)?;
    optimise(folder, &exports)
}

/// Compiles the crate together with the standard library, which requires a nightly compiler.
///
/// The library that rustup installs is optimized for speed and formats the message of every panic. Compiled for size,
/// and with panics that trap without a message, the optimized module is 89.1 KB compressed instead of 103.8 KB.
/// `pkg-template/src/core-instance.js` reports a trap to callers and starts another instance. The WebAssembly tests use the
/// installed library and print panics.
///
/// Only the module is built, not the Rust library that tests link: `cargo build` compiles both at once, and the compressed
/// module is then 9.3 KB larger.
fn compile() -> Result<PathBuf> {
    say("Compiling the core to WebAssembly");
    let mut rustup = Command::new("rustup");
    rustup
        .args([
            "run",
            tools::NIGHTLY,
            "cargo",
            "rustc",
            "--release",
            "--package=graphql-token-manager",
            "--lib",
            "--crate-type=cdylib",
        ])
        .arg("--target=wasm32-unknown-unknown")
        .args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"])
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    process::run(&mut rustup)?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    Ok(target.join("wasm32-unknown-unknown/release/graphql_token_manager.wasm"))
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

/// Writes the glue, its types and the module before optimization. Returns the names of the module's exports.
fn generate(compiled: &Path, folder: &Path) -> Result<Vec<String>> {
    say("Generating the glue");
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

    let stock = fs::read_to_string(folder.join("core_bg.js"))?;
    fs::write(folder.join("glue.js"), glue::adapted(&stock)?)?;
    let types = fs::read_to_string(folder.join("core.d.ts"))?;
    fs::write(folder.join("glue.d.ts"), format!("{types}{GLUE_TYPES}"))?;
    Ok(exports)
}

/// The name of the glue in the module's imports; also in `pkg-template/src/start-core.js`.
const GLUE: &str = "env";

/// Types of the glue that start-core.js uses and that wasm-bindgen does not generate.
const GLUE_TYPES: &str = "
/** Glue for one instance of the module. */
export function makeGlue(): {
  NativeManager: typeof NativeManager;
  /** Hands the glue the exports of the instance it is to speak to. */
  __wbg_set_wasm(exports: object): void;
};
";

/// Optimizes the module, and writes it as a file and as a JavaScript module.
fn optimise(folder: &Path, exports: &[String]) -> Result<()> {
    say("Making the module small");
    let wasm = folder.join("core.wasm");
    // No feature flags: wasm-opt reads the module's own `target_features`. With `--all-features` it writes an encoding
    // that every engine rejects.
    let mut wasm_opt = tools::npm_program("wasm-opt");
    wasm_opt.args(["-Oz", "--minify-imports"]).arg(folder.join("core_bg.wasm")).arg("--output").arg(&wasm);
    let mapping = process::output(&mut wasm_opt)?;
    fs::write(folder.join("short-names.json"), short_names(&mapping, exports)?)?;
    let mut bytes = fs::read(&wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    bytes.extend(custom_section("graphql-token-manager", env!("CARGO_PKG_VERSION"))?);
    fs::write(&wasm, &bytes)?;
    let mut deflated = Vec::new();
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Deflate, &*bytes, &mut deflated)
        .context("cannot compress the module")?;
    let module = format!("export default \"{}\";\n", Base64::encode_string(&deflated));
    fs::write(folder.join("wasm.js"), module).context("cannot write the compressed module")
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
