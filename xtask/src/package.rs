//! Builds the npm package, and installs it for the JavaScript tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::process::{self, say};
use crate::project::{self, Project};
use crate::{licenses, wasm};

const NAME: &str = "graphql-token-manager";
/// The stores. Each is an entry of its own: bundled for `require`, and unchanged for `import`.
const STORES: &[&str] = &["encrypted", "file", "redis", "web"];
/// The exact list of files in the package, one path per line.
const FILE_LIST: &str = "xtask/files.txt";
/// The largest size of each file.
const BUDGETS: &str = "xtask/budgets.txt";

/// Builds the core, and bundles the entries into `target/npm/dist`.
///
/// # Errors
///
/// A step fails. The message names it.
pub(crate) fn bundle(project: &Project) -> Result<()> {
    let core = wasm::build(project)?;
    say("Bundling dist/");
    let dist = project.npm().join("dist");
    project::remove_folder(&dist)?;
    project::remove_folder(&metafiles(project))?;
    main_entries(project, &core, &dist)?;
    scopes(project, &dist)?;
    esbuild(project, "pkg-template/src/broker/index.js", &[ESM, COMMON_JS], &[], &dist.join("broker"))?;
    project::copy(&core.wasm, &dist.join("core.wasm"))?;
    project::copy(&project.path("pkg-template/core.wasm.d.ts"), &dist.join("core.wasm.d.ts"))?;
    // Two of these contain only types, which `index.d.ts` exports.
    for entry in ["broker", "index", "options", "scopes", "slim", "store"] {
        let types = project::read(&project.path("pkg-template").join(format!("{entry}.d.ts")))?;
        project::write(&dist.join(format!("{entry}.d.cts")), of_common_js(&types))?;
        project::write(&dist.join(format!("{entry}.d.ts")), types)?;
    }
    as_written(project, "stores", STORES)?;
    as_written(project, "testing", &["index"])
}

/// Writes entries that are packed unchanged for `import` and bundled for `require`.
fn as_written(project: &Project, folder: &str, entries: &[&str]) -> Result<()> {
    let source = project.path("pkg-template").join(folder);
    let made = project.npm().join(folder);
    project::remove_folder(&made)?;
    copy_folder(&source, &made)?;
    for name in entries {
        project::copy(&source.join(format!("{name}.d.ts")), &made.join(format!("{name}.d.cts")))?;
    }
    let (_, common_js) = COMMON_JS;
    process::run(
        project
            .npm_command("esbuild")
            .args(entries.iter().map(|name| format!("pkg-template/{folder}/{name}.js")))
            .args(["--bundle", "--target=es2022", "--charset=utf8", "--log-level=warning"])
            .args(common_js)
            // Packages of the user are imported, not bundled.
            .args(["--packages=external", "--out-extension:.js=.cjs"])
            .arg(format!("--outdir={}", made.display())),
    )
}

/// Bundles the forms of the main entry: with the core inlined, without a core, and with a core that the runtime
/// compiles in advance.
fn main_entries(project: &Project, core: &wasm::Core, dist: &Path) -> Result<()> {
    let alias = |name: &str, path: &Path| format!("--alias:{name}={}", path.display());
    let digest = sha256(&core.wasm)?;
    for (entry, how, formats) in [
        ("index", "inline", [ESM, COMMON_JS].as_slice()),
        ("slim", "none", &[ESM, COMMON_JS]),
        ("workerd", "precompiled", &[ESM]),
        ("edge", "precompiled", &[ESM]),
    ] {
        let file = if entry == "edge" { "./core.wasm?module" } else { "./core.wasm" };
        let options = [
            alias("#glue", &core.glue),
            alias("#module", &project.path(format!("pkg-template/src/module-source/{how}.js"))),
            alias("#wasm", &core.base64),
            alias("#microtask", &project.path("pkg-template/src/microtask.js")),
            alias("#weak", &project.path("pkg-template/src/weak.js")),
            alias("#utf8", &project.path("pkg-template/src/utf8.js")),
            format!("--alias:#static={file}"),
            format!("--external:{file}"),
            // The module imports the glue's functions by these names. Other names that match are shortened as well.
            "--mangle-props=^__wb".to_owned(),
            format!("--mangle-cache={}", core.short_names.display()),
            format!("--define:__VERSION__=\"{}\"", project.version()?),
            format!("--define:__CORE_SHA256__=\"{digest}\""),
        ];
        esbuild(project, "pkg-template/src/index.js", formats, &options, &dist.join(entry))?;
    }
    Ok(())
}

/// Returns the SHA-256 hash of a file in hexadecimal digits.
fn sha256(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(hmac_sha256::Hash::hash(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Bundles the entry that parses documents. It contains the parser of graphql-js and needs no other package. A separate
/// entry, so that it adds nothing to the main one.
fn scopes(project: &Project, dist: &Path) -> Result<()> {
    let options = [
        // Omits the checks that graphql-js makes during development.
        "--define:process.env.NODE_ENV=\"production\"".to_owned(),
        format!(
            "--banner:js=/*! With parts of graphql-js, (c) GraphQL Contributors, MIT: see {} */",
            licenses::FILE
        ),
    ];
    esbuild(project, "pkg-template/src/scopes/index.js", &[ESM, COMMON_JS], &options, &dist.join("scopes"))
}

/// The folder in which esbuild reports the inputs of each bundle.
fn metafiles(project: &Project) -> PathBuf {
    project.npm().join("bundled")
}

/// The module format of a bundle: its file extension and its esbuild options.
type Format = (&'static str, &'static [&'static str]);

/// For `import`.
const ESM: Format = ("js", &["--format=esm"]);
/// For `require`. With the platform `node`, esbuild lists the names of the exports in a form that Node detects when an
/// ES module imports the file.
const COMMON_JS: Format = ("cjs", &["--format=cjs", "--platform=node"]);

/// Bundles an entry in each of the formats.
fn esbuild(
    project: &Project,
    entry: &str,
    formats: &[Format],
    options: &[String],
    output: &Path,
) -> Result<()> {
    let name = output.file_name().context("a bundle has no name")?.to_string_lossy();
    for &(extension, format) in formats {
        process::run(
            project
                .npm_command("esbuild")
                .arg(entry)
                .args(["--bundle", "--minify", "--target=es2022", "--charset=utf8", "--log-level=warning"])
                // Prefers ES modules of dependencies, because unused code can be removed from those.
                .arg("--main-fields=module,main")
                // Limits the length of the line that Node prints for an uncaught error.
                .arg("--line-limit=1000")
                .args(format)
                .args(options)
                .arg(format!(
                    "--metafile={}",
                    metafiles(project).join(format!("{name}.{extension}.json")).display()
                ))
                .arg(format!("--outfile={}", output.with_extension(extension).display())),
        )?;
        if (extension, format) == ESM {
            smaller(project, &output.with_extension(extension))?;
        }
    }
    Ok(())
}

/// Minifies a bundle for `import` by another 7 %. Bundles for `require` are not minified: terser removes the list of
/// exports that esbuild writes there for Node.
fn smaller(project: &Project, module: &Path) -> Result<()> {
    process::run(
        project
            .npm_command("terser")
            .arg(module)
            .args(["--module", "--compress=passes=3,ecma=2020", "--mangle", "--comments=/^!/"])
            // The same limit as esbuild's `--line-limit`.
            .arg("--format=max_line_len=1000")
            .arg("--output")
            .arg(module),
    )
}

/// Converts the types of an entry for CommonJS, in which imports of other entries end in `.cjs`.
fn of_common_js(types: &str) -> String {
    types.replace(".js\";", ".cjs\";")
}

/// Creates the tarball and returns its path.
///
/// # Errors
///
/// A step fails, or the content of the package differs from the file list.
pub(crate) fn pack(project: &Project) -> Result<PathBuf> {
    bundle(project)?;
    say("Packing");
    assemble(project)?;
    let tarball = project.npm().join(tarball_name(project)?);
    for old in project::files_in(&project.npm())? {
        if old.extension().is_some_and(|extension| extension == "tgz") {
            fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    process::output(
        project
            .command("npm")
            .current_dir(folder(project))
            .args(["pack", "--silent", "--ignore-scripts", "--pack-destination"])
            .arg(project.npm()),
    )?;
    check_files(project, &tarball)?;
    process::run(
        project.command("node").arg("xtask/scripts/sizes.js").arg(project.path(BUDGETS)).arg(folder(project)),
    )?;
    Ok(tarball)
}

/// Returns the file name that npm gives the tarball.
///
/// # Errors
///
/// `Cargo.lock` does not contain the crate.
pub(crate) fn tarball_name(project: &Project) -> Result<String> {
    Ok(format!("{NAME}-{}.tgz", project.version()?))
}

/// The folder with the content of the package.
pub(crate) fn folder(project: &Project) -> PathBuf {
    project.npm().join("package")
}

fn assemble(project: &Project) -> Result<()> {
    let folder = folder(project);
    project::remove_folder(&folder)?;
    copy_folder(&project.npm().join("dist"), &folder.join("dist"))?;
    for name in ["stores", "testing"] {
        copy_folder(&project.npm().join(name), &folder.join(name))?;
    }
    copy_folder(&project.path("pkg-template/bin"), &folder.join("bin"))?;
    for name in ["CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        let own = project.path("pkg-template").join(name);
        let source = if own.exists() { own } else { project.path(name) };
        project::copy(&source, &folder.join(name))?;
    }
    project::write(&folder.join(licenses::FILE), licenses::collect(project, &metafiles(project))?)?;
    let template = project::read(&project.path("pkg-template/package.json"))?;
    let readme = project::read(&project.path("README.md"))?;
    let tag = tag_url(&template, project.version()?)?;
    project::write(&folder.join("README.md"), with_absolute_links(&readme, &tag))?;
    project::write(&folder.join("package.json"), with_version(&template, project.version()?)?)
}

/// Copies all files below a folder.
///
/// # Errors
///
/// A file cannot be read or written.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for name in project::files_below(from)? {
        project::copy(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// Returns the manifest with the version of Cargo.toml.
fn with_version(template: &str, version: &str) -> Result<String> {
    const PLACEHOLDER: &str = "\"version\": \"0.0.0\"";
    if template.matches(PLACEHOLDER).count() != 1 {
        bail!(
            "pkg-template/package.json must say `{PLACEHOLDER}` once; the version is the one in Cargo.toml"
        );
    }
    Ok(template.replace(PLACEHOLDER, &format!("\"version\": \"{version}\"")))
}

/// Returns the URL of the files of a release in the repository that the manifest names.
fn tag_url(manifest: &str, version: &str) -> Result<String> {
    let manifest: serde_json::Value = serde_json::from_str(manifest)?;
    let url = manifest["repository"]["url"].as_str().unwrap_or_default();
    let Some(repository) = url.strip_prefix("git+").and_then(|url| url.strip_suffix(".git")) else {
        bail!("pkg-template/package.json must have a `repository.url` of the form git+https://….git");
    };
    Ok(format!("{repository}/blob/v{version}/"))
}

/// Makes the relative links of a document absolute: the package does not contain `docs`.
fn with_absolute_links(document: &str, base: &str) -> String {
    let mut parts = document.split("](");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_relative = !part.starts_with("https:") && !part.starts_with('#');
        text.push_str("](");
        text.push_str(if is_relative { base } else { "" });
        text.push_str(part);
    }
    text
}

fn check_files(project: &Project, tarball: &Path) -> Result<()> {
    let listing = process::output(project.command("tar").arg("--list").arg("--file").arg(tarball))?;
    let packed = listing.lines().map(|path| path.strip_prefix("package/").unwrap_or(path));
    let expected = project::read(&project.path(FILE_LIST))?;
    match differences(expected.lines(), packed) {
        None => Ok(()),
        Some(text) => {
            bail!("the package is not what {FILE_LIST} says; correct whichever is wrong:\n{text}")
        }
    }
}

/// Returns the differences of two lists, one per line, and an empty text if they are equal.
fn differences<'list>(
    expected: impl Iterator<Item = &'list str>,
    found: impl Iterator<Item = &'list str>,
) -> Option<String> {
    let expected: BTreeSet<&str> = expected.filter(|line| !line.is_empty()).collect();
    let found: BTreeSet<&str> = found.collect();
    let missing = expected.difference(&found).map(|path| format!("  missing    {path}"));
    let unexpected = found.difference(&expected).map(|path| format!("  unexpected {path}"));
    let lines: Vec<String> = missing.chain(unexpected).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Installs the tarball into node_modules, as a user of the package would.
///
/// # Errors
///
/// npm fails, changes files of the project, or installs different content.
pub(crate) fn install(project: &Project, tarball: &Path) -> Result<()> {
    let installed = project.path("node_modules").join(NAME);
    if same(&folder(project), &installed)? {
        return Ok(());
    }
    say("Installing the package into node_modules");
    // npm treats a tarball with the same name and version as the installed package. Without that folder it unpacks the
    // new tarball.
    project::remove_folder(&installed)?;
    let manifests = ["package.json", "package-lock.json"].map(|name| project.path(name));
    let before = manifests.each_ref().map(|path| fs::read(path).ok());
    process::run(
        project
            .command("npm")
            .args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"])
            .args(["--prefer-offline", "--loglevel=error"])
            .arg(tarball)
            .stdout(Stdio::from(std::io::stderr())),
    )?;
    if manifests.each_ref().map(|path| fs::read(path).ok()) != before {
        bail!("npm changed package.json or package-lock.json; restore them with `git checkout`");
    }
    if !same(&folder(project), &installed)? {
        bail!("npm installed something else than {}; remove node_modules and try again", tarball.display());
    }
    Ok(())
}

/// Returns true if two folders contain the same files with the same content.
fn same(one: &Path, other: &Path) -> Result<bool> {
    if !other.is_dir() {
        return Ok(false);
    }
    let names = project::files_below(one)?;
    if names != project::files_below(other)? {
        return Ok(false);
    }
    let equal = |name: &String| matches!((fs::read(one.join(name)), fs::read(other.join(name))), (Ok(a), Ok(b)) if a == b);
    Ok(names.iter().all(equal))
}

#[cfg(test)]
mod tests {
    use super::{differences, of_common_js, tag_url, with_absolute_links, with_version};

    #[test]
    fn a_package_with_exactly_the_listed_files_is_right() {
        let expected = "README.md\ndist/index.js\n";
        let found = ["dist/index.js", "README.md"];

        assert_eq!(differences(expected.lines(), found.into_iter()), None);
    }

    #[test]
    fn a_missing_and_an_unexpected_file_are_both_named() {
        let expected = "README.md\ndist/index.js\n";
        let found = ["dist/index.js", "dist/index.js.map"];

        let text = differences(expected.lines(), found.into_iter()).unwrap();

        assert_eq!(text, "  missing    README.md\n  unexpected dist/index.js.map");
    }

    #[test]
    fn types_for_require_name_types_for_require() {
        let types = "import type { Scope } from \"./scopes.js\";\nexport * from \"./scopes.js\";\n";

        let common_js = of_common_js(types);

        assert_eq!(common_js.matches("\"./scopes.cjs\"").count(), 2);
        assert!(!common_js.contains(".js\""));
    }

    #[test]
    fn the_version_is_filled_in_exactly_once() {
        let template = r#"{ "name": "a", "version": "0.0.0" }"#;

        assert_eq!(with_version(template, "1.2.3").unwrap(), r#"{ "name": "a", "version": "1.2.3" }"#);
        assert!(with_version(r#"{ "version": "1.0.0" }"#, "1.2.3").is_err());
    }
    #[test]
    fn links_of_the_packaged_readme_lead_to_the_tag_of_its_version() {
        let manifest = r#"{ "repository": { "url": "git+https://example.test/a/b.git" } }"#;
        let tag = tag_url(manifest, "1.2.3").unwrap();

        assert_eq!(
            with_absolute_links("[a](docs/a.md#b), [c](https://c.test), [d](#d)", &tag),
            "[a](https://example.test/a/b/blob/v1.2.3/docs/a.md#b), [c](https://c.test), [d](#d)"
        );
        assert!(tag_url("{}", "1.2.3").is_err());
    }
}
