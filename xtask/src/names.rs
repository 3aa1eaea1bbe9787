//! Short names for what the module imports and exports.
//!
//! wasm-bindgen's are long and have hashes, which no compression makes shorter, and each is in the module and in the
//! glue. Nobody reads them: the face speaks to the glue.

use std::collections::BTreeMap;

/// What starts the module; boot.js asks for it by its name.
const START: &str = "__wbindgen_start";

/// Long names and the short ones that stand for them.
#[derive(Default)]
pub(crate) struct Names {
    imports: BTreeMap<String, String>,
    exports: BTreeMap<String, String>,
}

impl Names {
    pub(crate) fn import(&mut self, long: &str) -> String {
        let short = letters(self.imports.len());
        self.imports.entry(long.to_owned()).or_insert(short).clone()
    }

    /// Timers, promises, events and collections call closures and `free`: what stands for one of these starts with `_`,
    /// by which `pkg-template/src/running.js` knows that nobody would catch what it throws.
    pub(crate) fn export(&mut self, long: &str) -> String {
        if long == START {
            return START.to_owned();
        }
        let by_engine = long.contains("closure") || long.contains("free");
        let short = format!("{}{}", if by_engine { "_" } else { "" }, letters(self.exports.len()));
        self.exports.entry(long.to_owned()).or_insert(short).clone()
    }

    /// What the glue's `long` is for the module: `short: long` where it imports it.
    pub(crate) fn as_property(&self, long: &str) -> String {
        self.imports.get(long).map_or_else(|| long.to_owned(), |short| format!("{short}: {long}"))
    }

    /// The glue with the short names of what it calls, each written `wasm.name`.
    pub(crate) fn in_calls(&self, glue: &str) -> String {
        let mut parts = glue.split("wasm.");
        let mut renamed = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|next: char| !(next.is_alphanumeric() || next == '_')).unwrap_or(part.len());
            let (long, rest) = part.split_at(end);
            renamed.push_str("wasm.");
            renamed.push_str(self.exports.get(long).map_or(long, String::as_str));
            renamed.push_str(rest);
        }
        renamed
    }
}

/// a to z, then ba, bb and so on.
fn letters(number: usize) -> String {
    let last = char::from(b"abcdefghijklmnopqrstuvwxyz"[number % 26]);
    let front = if number < 26 { String::new() } else { letters(number / 26) };
    format!("{front}{last}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Names, letters};

    #[test]
    fn no_two_have_the_same_name() {
        let all: BTreeSet<String> = (0..2000).map(letters).collect();

        assert_eq!(all.len(), 2000);
        assert_eq!([letters(0), letters(25), letters(26)], ["a", "z", "ba"]);
    }

    #[test]
    fn a_name_is_replaced_as_a_whole_and_where_it_is_called() {
        let mut names = Names::default();
        names.export("memory");
        names.export("core_new");

        let glue = names.in_calls("wasm.core_new(core_new, wasm.core_new_one, x.memory, wasm.memory.buffer)");

        assert_eq!(glue, "wasm.b(core_new, wasm.core_new_one, x.memory, wasm.a.buffer)");
    }

    #[test]
    fn what_the_engine_calls_shows_in_its_name() {
        let mut names = Names::default();

        assert_eq!(names.export("__wbg_core_free"), "_a");
        assert_eq!(names.export("__wbindgen_destroy_closure"), "_b");
        assert_eq!(names.export("core_new"), "c");
        assert_eq!(names.export("__wbindgen_start"), "__wbindgen_start");
    }

    #[test]
    fn an_import_is_handed_over_by_its_short_name() {
        let mut names = Names::default();

        assert_eq!(
            [names.import("__wbg_now"), names.import("__wbg_call"), names.import("__wbg_now")],
            ["a", "b", "a"]
        );
        assert_eq!(names.as_property("__wbg_call"), "b: __wbg_call");
        assert_eq!(names.as_property("Core"), "Core");
    }
}
