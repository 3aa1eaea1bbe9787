//! Adapts wasm-bindgen's glue, so that it can be imported in any host and used for more than one instance.
//!
//! The stock glue creates a text decoder and an encoder during its import, which fails in jsdom. Both become lazy, with
//! a fallback in plain JavaScript, in `pkg-template/src/utf8.js`.
//!
//! Tasks of the core are scheduled with `microtask` of `pkg-template/src/microtask.js`, because the stock glue looks
//! `queueMicrotask` up at each call, and test runners replace it.
//!
//! The stock glue supports one instance per page. It becomes a function that creates glue, so that a new instance can
//! replace one that crashed.

use anyhow::{Result, bail};

const STOCK_DECODER: &str = "new TextDecoder('utf-8', { ignoreBOM: true })";
const STOCK_ENCODER: &str = "new TextEncoder()";
/// A workaround for Safari that would create the decoder during the import. It is in `utf8.js` instead.
const STOCK_WARM_UP: &str = "cachedTextDecoder.decode();";
/// The statement by which the queue of `js_sys::futures` schedules its tasks, and its check for that function.
const STOCK_SCHEDULE: &str = "queueMicrotask(arg0);";
const STOCK_SCHEDULER: &str = "arg0.queueMicrotask;";
/// The creation of finalizers, which an engine may lack or implement incorrectly.
const STOCK_REGISTRY: &str = "(typeof FinalizationRegistry === 'undefined')
    ? { register: () => {}, unregister: () => {} }
    : new FinalizationRegistry(";
/// The alternatives to `globalThis` that `js_sys` tries. Every supported engine has `globalThis`.
const STOCK_GLOBALS: [&str; 3] = ["self", "window", "global"];
const IMPORT: &str = "import { microtask } from \"#microtask\";
import { lazyTextDecoder, lazyTextEncoder } from \"#utf8\";
import { finalizationRegistry } from \"#weak\";
";

/// Returns the adapted glue.
///
/// # Errors
///
/// The glue differs from the expected text, possibly because of a new version of wasm-bindgen.
pub(crate) fn adapted(stock: &str) -> Result<String> {
    for expected in
        [STOCK_DECODER, STOCK_ENCODER, STOCK_WARM_UP, STOCK_SCHEDULE, STOCK_SCHEDULER, STOCK_REGISTRY]
    {
        if !stock.contains(expected) {
            bail!("the glue has no `{expected}`; wasm-bindgen changed, so adapt xtask/src/glue.rs");
        }
    }
    let patched = stock
        .replace(STOCK_DECODER, "lazyTextDecoder()")
        .replace(STOCK_ENCODER, "lazyTextEncoder()")
        .replace(STOCK_WARM_UP, "")
        .replace(STOCK_REGISTRY, "finalizationRegistry(")
        .replace(STOCK_SCHEDULE, "microtask(arg0);")
        .replace(STOCK_SCHEDULER, "microtask;");
    let patched = STOCK_GLOBALS.iter().fold(patched, |glue, name| {
        glue.replace(&format!("typeof {name} === 'undefined' ? undefined : {name}"), "undefined")
    });
    // Bundlers for edge hosts and security scanners reject code that could compile a string, even if it never runs.
    for forbidden in [
        "new TextDecoder",
        "new TextEncoder",
        " queueMicrotask",
        "new FinalizationRegistry",
        "typeof self",
        "typeof window",
        "import.meta",
        "new Function",
        "eval(",
    ] {
        if patched.contains(forbidden) {
            bail!("the glue still has `{forbidden}`; wasm-bindgen changed, so adapt xtask/src/glue.rs");
        }
    }
    Ok(format!("{IMPORT}{}", as_factory(&patched)?))
}

/// Converts the glue to the body of a function that returns its exports.
fn as_factory(glue: &str) -> Result<String> {
    let mut given = Vec::new();
    let mut body = String::new();
    for line in glue.lines() {
        let line = match line.strip_prefix("export ") {
            Some(declaration) => {
                given.push(exported_name(declaration)?);
                declaration
            }
            None => line,
        };
        body.push_str(line);
        body.push('\n');
    }
    Ok(format!("export function makeGlue() {{\n{body}return {{ {} }};\n}}\n", given.join(", ")))
}

/// Returns the name in `function name(…`, `class Name {` or `const name = …`.
fn exported_name(declaration: &str) -> Result<&str> {
    let mut words = declaration.split(|next: char| !(next.is_alphanumeric() || next == '_' || next == '$'));
    match (words.next(), words.next()) {
        (Some("function" | "class" | "const" | "let"), Some(name)) if !name.is_empty() => Ok(name),
        _ => bail!("the glue exports `{declaration}`; wasm-bindgen changed, so adapt xtask/src/glue.rs"),
    }
}

#[cfg(test)]
mod tests {
    use super::adapted;
    const STOCK: &str = "
let cachedTextDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
cachedTextDecoder.decode();
function decodeText(bytes) {
    if (tooMany(bytes)) {
        cachedTextDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
        cachedTextDecoder.decode();
    }
    return cachedTextDecoder.decode(bytes);
}
const cachedTextEncoder = new TextEncoder();
export function __wbg_queueMicrotask_1(arg0) {
    queueMicrotask(arg0);
}
export function __wbg_queueMicrotask_2(arg0) {
    const ret = arg0.queueMicrotask;
    return ret;
}
export function __wbg_static_accessor_SELF_3() {
    const ret = typeof self === 'undefined' ? undefined : self;
    return isLikeNone(ret) ? 0 : addToExternrefTable0(ret);
}
const CLOSURE_DTORS = (typeof FinalizationRegistry === 'undefined')
    ? { register: () => {}, unregister: () => {} }
    : new FinalizationRegistry(state => wasm.destroy(state));
";

    #[test]
    fn no_decoder_is_built_while_the_glue_is_imported() {
        let patched = adapted(STOCK).unwrap();

        assert_eq!(patched.matches("= lazyTextDecoder();").count(), 2);
        assert_eq!(patched.matches("= lazyTextEncoder();").count(), 1);
        assert!(!patched.contains("cachedTextDecoder.decode();"));
        assert!(patched.contains("return cachedTextDecoder.decode(bytes);"));
        assert!(patched.contains("import { lazyTextDecoder, lazyTextEncoder } from \"#utf8\";"));
    }

    #[test]
    fn tasks_are_scheduled_with_what_was_captured() {
        let patched = adapted(STOCK).unwrap();

        assert!(patched.starts_with("import { microtask } from \"#microtask\";"));
        assert!(patched.contains("    microtask(arg0);\n"));
        assert!(patched.contains("const ret = microtask;"));
        assert!(
            patched.contains("const CLOSURE_DTORS = finalizationRegistry(state => wasm.destroy(state));")
        );
    }

    #[test]
    fn the_global_object_is_not_looked_for_in_places_that_may_throw() {
        let patched = adapted(STOCK).unwrap();

        assert!(patched.contains("const ret = undefined;"));
    }

    #[test]
    fn the_glue_is_made_anew_for_each_instance() {
        let exports = "export class Core {\n}\nexport function __wbg_set_wasm(val) {\n}\nlet wasm;\n";

        let patched = adapted(&format!("{STOCK}{exports}")).unwrap();

        assert_eq!(patched.matches("export ").count(), 1);
        assert!(patched.contains("export function makeGlue() {\n"));
        assert!(patched.ends_with("Core, __wbg_set_wasm };\n}\n"));
    }

    #[test]
    fn glue_that_is_not_understood_is_refused() {
        let without_options = STOCK.replace("'utf-8', { ignoreBOM: true }", "'utf-8'");
        let with_one_more = format!("{STOCK}const other = new TextDecoder('utf-16');");
        let with_address = format!("{STOCK}new URL('core_bg.wasm', import.meta.url);");

        let with_function = format!("{STOCK}const ret = new Function(arg0);");
        let with_list = format!("{STOCK}export {{ Core }};");

        for glue in [without_options, with_one_more, with_address, with_function, with_list] {
            assert!(adapted(&glue).unwrap_err().to_string().contains("wasm-bindgen changed"));
        }
    }
}
