//! Writes `THIRD-PARTY-LICENSES`: the licence texts of third-party code that the package contains.
//!
//! The crates come from cargo's dependency graph for WebAssembly, the npm packages from esbuild's reports on the
//! bundles. The build fails if a text is missing, because MIT and ISC require it in every copy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::project::{self, Project};
use crate::{process, tools};

/// The name of the file in the package.
pub(crate) const FILE: &str = "THIRD-PARTY-LICENSES";

/// Bundles contain helper functions of esbuild, but its reports do not list them.
const BUNDLER: &str = "esbuild";

/// Third-party code that the package contains.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Component {
    name: String,
    version: String,
    /// SPDX expression.
    license: String,
    texts: Vec<String>,
}

/// Returns the content of the file. `metafiles` is the folder of esbuild's reports on the bundles.
///
/// # Errors
///
/// A component has no licence text, or cargo cannot resolve the dependencies.
pub(crate) fn collect(project: &Project, metafiles: &Path) -> Result<String> {
    let mit = standard_mit(&project::read(&project.path("LICENSE-MIT"))?)?;
    let metadata = process::output(project.cargo().args([
        "metadata",
        "--locked",
        "--format-version=1",
        "--filter-platform=wasm32-unknown-unknown",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata wrote no JSON")?;
    let mut components = vec![standard_library(project, &mit)?];
    for package in linked_crates(&metadata)? {
        components.push(of_crate(package, &mit)?);
    }
    for name in bundled_packages(metafiles)? {
        components.push(of_npm(&project.path("node_modules").join(name))?);
    }
    components.sort();
    Ok(written(&components))
}

fn written(components: &[Component]) -> String {
    let mut text = "This package contains code of the following projects, under their licences.\n".to_owned();
    for Component { name, version, license, texts } in components {
        let rule = "=".repeat(80);
        let _ = write!(text, "\n{rule}\n{name} {version} ({license})\n{rule}\n");
        for part in texts {
            let _ = write!(text, "\n{}\n", part.replace("\r\n", "\n").trim_matches('\n'));
        }
    }
    text
}

/// Returns the packages that are linked into the module: normal dependencies of the core, without procedural macros,
/// which run in the compiler only.
fn linked_crates(metadata: &Value) -> Result<Vec<&Value>> {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let by_id: BTreeMap<&str, &Value> =
        packages.iter().filter_map(|package| Some((package["id"].as_str()?, package))).collect();
    let nodes = list(&metadata["resolve"]["nodes"]);
    let core = packages
        .iter()
        .find(|package| package["name"] == "graphql-token-manager")
        .and_then(|package| package["id"].as_str())
        .context("cargo metadata does not list the core")?;
    let mut linked = BTreeSet::new();
    let mut next = vec![core.to_owned()];
    while let Some(id) = next.pop() {
        let node = nodes.iter().find(|node| node["id"] == id.as_str());
        for dependency in node.map(|node| list(&node["deps"])).unwrap_or_default() {
            let normal = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            let id = dependency["pkg"].as_str().unwrap_or_default();
            let package = by_id.get(id).with_context(|| format!("cargo metadata does not list {id}"))?;
            let is_macro = list(&package["targets"])
                .iter()
                .any(|target| list(&target["kind"]).iter().any(|kind| kind == "proc-macro"));
            if normal && !is_macro && linked.insert(id.to_owned()) {
                next.push(id.to_owned());
            }
        }
    }
    Ok(linked.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect())
}

fn of_crate(package: &Value, mit: &str) -> Result<Component> {
    let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let manifest = PathBuf::from(text("manifest_path"));
    let folder = manifest.parent().context("a crate has no folder")?;
    let mut texts = license_texts(folder)?;
    if texts.is_empty() {
        // Some crates are published without the text of their licence.
        let authors: Vec<&str> =
            package["authors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !text("license").contains("MIT") || authors.is_empty() {
            bail!("the crate {} has no licence text; find out what it asks for", text("name"));
        }
        texts.push(format!("Copyright (c) {}\n\n{mit}", authors.join(", ")));
    }
    Ok(Component { name: text("name"), version: text("version"), license: text("license"), texts })
}

fn of_npm(folder: &Path) -> Result<Component> {
    let manifest: Value = serde_json::from_str(&project::read(&folder.join("package.json"))?)
        .with_context(|| format!("the package.json in {} is not JSON", folder.display()))?;
    let text = |key: &str| manifest[key].as_str().unwrap_or_default().to_owned();
    let texts = license_texts(folder)?;
    if texts.is_empty() {
        bail!("the npm package {} has no licence text; find out what it asks for", text("name"));
    }
    Ok(Component { name: text("name"), version: text("version"), license: text("license"), texts })
}

/// Returns the licence of the standard library, which is compiled into the module. The compiler's folder lacks an MIT
/// text with its copyright line.
fn standard_library(project: &Project, mit: &str) -> Result<Component> {
    let version =
        process::output(project.command("rustup").args(["run", tools::NIGHTLY, "rustc", "--version"]))?;
    let version = version.split(' ').nth(1).context("rustc tells no version")?.to_owned();
    let note = "Copyright (c) The Rust Project Developers (see https://thanks.rust-lang.org)\n\
        The notices of the parts that others contributed are in COPYRIGHT-library.html of that release.";
    Ok(Component {
        name: "The Rust standard library".to_owned(),
        version,
        license: "MIT OR Apache-2.0".to_owned(),
        texts: vec![format!("{note}\n\n{mit}")],
    })
}

/// Returns the licence files in a folder. Of MIT and Apache-2.0, MIT is used, because it is shorter.
fn license_texts(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<PathBuf> = project::files_in(folder)?;
    names.sort();
    let upper = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
    names.retain(|path| {
        ["LICENSE", "LICENCE", "COPYING", "NOTICE"].iter().any(|start| upper(path).starts_with(start))
    });
    if names.iter().any(|path| upper(path).contains("MIT")) {
        names.retain(|path| !upper(path).contains("APACHE"));
    }
    names.iter().map(|path| project::read(path)).collect()
}

/// Returns the npm packages that esbuild bundled, and esbuild itself, because each bundle contains helper functions of
/// it.
fn bundled_packages(metafiles: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::from([BUNDLER.to_owned()]);
    let files = project::files_in(metafiles)?;
    if files.is_empty() {
        bail!("{} has no report of a bundle", metafiles.display());
    }
    for file in files {
        let report: Value = serde_json::from_str(&project::read(&file)?)
            .with_context(|| format!("{} is not JSON", file.display()))?;
        let inputs = report["inputs"].as_object().context("esbuild reported no inputs")?;
        names.extend(inputs.keys().filter_map(|path| package_of(path)));
    }
    Ok(names)
}

/// Returns the npm package of a file below `node_modules`, and `None` for files of this repository.
fn package_of(path: &str) -> Option<String> {
    let (_, inside) = path.rsplit_once("node_modules/")?;
    let mut parts = inside.split('/');
    let first = parts.next()?;
    Some(if first.starts_with('@') { format!("{first}/{}", parts.next()?) } else { first.to_owned() })
}

/// Returns the text of the MIT licence without a copyright line.
fn standard_mit(own: &str) -> Result<String> {
    let start = own.find("Permission is hereby granted").context("LICENSE-MIT is not the MIT licence")?;
    Ok(own[start..].to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::{license_texts, linked_crates, of_crate, package_of, standard_mit, written};
    use crate::tools::Scratch;

    #[test]
    fn what_is_linked_leaves_out_macros_and_what_builds_or_tests_need() {
        let package =
            |name: &str, kind: &str| json!({ "id": name, "name": name, "targets": [{ "kind": [kind] }] });
        let dependency =
            |name: &str, kind: Option<&str>| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [
                package("graphql-token-manager", "cdylib"),
                package("direct", "lib"),
                package("below", "lib"),
                package("macros", "proc-macro"),
                package("only-macros", "lib"),
                package("tests", "lib"),
            ],
            "resolve": { "nodes": [
                { "id": "graphql-token-manager", "deps": [
                    dependency("direct", None), dependency("macros", None), dependency("tests", Some("dev")),
                ] },
                { "id": "direct", "deps": [dependency("below", None)] },
                { "id": "macros", "deps": [dependency("only-macros", None)] },
            ] },
        });

        let linked = linked_crates(&metadata).unwrap();
        let mut names: Vec<_> = linked.iter().map(|package| package["name"].as_str().unwrap()).collect();
        names.sort_unstable();

        assert_eq!(names, ["below", "direct"]);
    }

    #[test]
    fn of_a_choice_the_mit_text_is_taken_and_other_texts_stay() {
        let scratch = Scratch::new("licenses-choice").unwrap();
        for name in ["LICENSE-APACHE", "LICENSE-MIT", "LICENSE-UNICODE", "README.md"] {
            fs::write(scratch.path().join(name), name).unwrap();
        }

        assert_eq!(license_texts(scratch.path()).unwrap(), ["LICENSE-MIT", "LICENSE-UNICODE"]);
    }

    #[test]
    fn a_crate_without_a_text_gets_the_standard_one_only_under_mit() {
        let scratch = Scratch::new("licenses-none").unwrap();
        let manifest = scratch.path().join("Cargo.toml");
        let package = |license: &str| json!({ "name": "a", "version": "1.0.0", "license": license, "authors": ["Ann"], "manifest_path": manifest });

        let component = of_crate(&package("MIT OR Apache-2.0"), "Permission").unwrap();

        assert_eq!(component.texts, ["Copyright (c) Ann\n\nPermission"]);
        assert!(written(&[component]).contains("\na 1.0.0 (MIT OR Apache-2.0)\n"));
        assert!(of_crate(&package("ISC"), "Permission").is_err());
    }

    #[test]
    fn a_bundled_file_names_its_package() {
        assert_eq!(package_of("node_modules/graphql/language/parser.mjs").unwrap(), "graphql");
        assert_eq!(package_of("../one/node_modules/@a/b/index.js").unwrap(), "@a/b");
        assert_eq!(package_of("pkg-template/src/index.js"), None);
    }

    #[test]
    fn the_standard_text_has_no_copyright_line() {
        let text = standard_mit("MIT\n\nCopyright (c) us\n\nPermission is hereby granted, …").unwrap();

        assert!(text.starts_with("Permission"));
        assert!(standard_mit("Apache").is_err());
    }
}
