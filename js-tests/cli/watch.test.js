// `watch`: keeps a token fresh for programs that read it from a file or a pipe.

import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";

import { sandboxFor } from "../support/setup.js";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { until } from "../support/waiting.js";
import { folderFor } from "../stores/support.js";
import { apis, assertKeepsSecrets, run, start } from "./support.js";

/** A short lifetime, so that the refresh window starts soon. */
const SHORT = { lifetimes: { fluz: 1_500 } };

/** Speed of the clock, because cool-downs last for seconds. */
const SPEED = 25;

/** @param {string} path */
const modeOf = async (path) => (await stat(path)).mode & 0o777;

describe("a watch", { concurrency: 4 }, () => {
  test("prints each new token on a line, and exits with 0 on a signal", async (t) => {
    const sandbox = await sandboxFor(t, SHORT);
    const { flags, env } = apis(sandbox).fluz;
    const watch = start(t, ["watch", ...flags], { env });

    const lines = await watch.said(3);
    const result = await watch.stop("SIGINT");

    assert.equal(new Set(lines).size, lines.length);
    for (const line of lines) assert.match(line, /^eyJ[\w.-]+$/);
    assert.equal(result.status, 0);
    assert.equal(result.stderr, "");
  });

  test("writes the token to a file atomically, with mode 0600, before it reports it", async (t) => {
    const sandbox = await sandboxFor(t, SHORT);
    const { flags, env } = apis(sandbox).fluz;
    const folder = await folderFor(t);
    const file = join(folder, "token");
    // The previous file was readable for other users.
    await writeFile(file, "an older one");
    await chmod(file, 0o644);
    const watch = start(t, ["watch", ...flags, "--output", file, "--events"], { env });

    await watch.said(1);
    const first = await readFile(file, "utf8");
    const mode = await modeOf(file);
    const lines = await watch.said(2);
    const second = await readFile(file, "utf8");
    const cmdline = await readFile(`/proc/${watch.child.pid}/cmdline`, "utf8");
    const result = await watch.stop("SIGTERM");

    assert.match(first, /^eyJ[\w.-]+\n$/);
    assert.notEqual(second, first);
    assert.equal(mode, 0o600);
    assert.deepEqual(await readdir(folder), ["token"]);
    const [initial, next] = lines.map((line) => JSON.parse(line));
    assert.deepEqual([initial.type, initial.reason, next.reason], ["token", "initial", "proactive"]);
    assert.ok(Math.abs(initial.at - Date.now()) < 60_000);
    assert.doesNotMatch(result.stdout, /eyJ/);
    assert.equal(result.status, 0);
    assertKeepsSecrets(sandbox, result);
    assertKeepsSecrets(sandbox, { stdout: cmdline, stderr: cmdline });
  });

  test("writes a header file for curl, and replaces a link instead of following it", async (t) => {
    const sandbox = await sandboxFor(t);
    const { flags, env } = apis(sandbox).fluz;
    const folder = await folderFor(t);
    const [file, elsewhere] = ["header", "elsewhere"].map((name) => join(folder, name));
    await writeFile(elsewhere, "kept");
    await symlink(elsewhere, file);
    const watch = start(t, ["watch", ...flags, "--output", file, "--header", "--events"], { env });

    await watch.said(1);
    await watch.stop("SIGTERM");

    assert.match(await readFile(file, "utf8"), /^Authorization: Bearer eyJ[\w.-]+\n$/);
    assert.equal(await readFile(elsewhere, "utf8"), "kept");
  });

  test("continues after retryable failures, including at the start", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 20_000 } });
    const end = sandbox.fault({ kind: "status", status: 503 });
    const { flags, env } = apis(sandbox).fluz;
    const watch = start(t, ["watch", ...flags, "--attempts", "1", "--timeout", "5m"], { env, speed: SPEED });
    await until(() => watch.stderr !== "", "the failure was reported");
    end();
    await watch.said(1);
    const again = sandbox.fault({ kind: "status", status: 503 });
    await until(() => watch.stderr.includes("still valid"), "the second failure was reported");
    again();

    const tokens = watch.lines.length;
    await watch.said(tokens + 1);
    const result = await watch.stop("SIGHUP");

    assert.match(result.stderr, /^graphql-token-manager watch: warning: server: [^\n]+\n/);
    assert.equal(result.status, 0);
  });

  test("exits with 1 if the credentials are rejected", async (t) => {
    const sandbox = await sandboxFor(t);

    const result = await run(["watch", ...apis(sandbox).fluz.flags], { env: { SECRET: "YTpi" } });

    assert.equal(result.status, 1);
    assert.match(result.stderr, /watch: invalid_credentials: /);
    assert.equal(result.stdout, "");
  });

  for (const status of [401, 403]) {
    test(`continues after credentials that have worked are rejected with ${status}`, async (t) => {
      const sandbox = await sandboxFor(t, { lifetimes: { toggle: 40_000 } });
      const { flags, env } = apis(sandbox).toggle;
      const spans = ["--lifetime", "40s", "--timeout", "5m", "--attempts", "1"];
      const args = ["watch", ...flags, ...spans, "--events"];
      const watch = start(t, args, { env, speed: SPEED });
      await watch.said(1);

      // The first two attempts are rejected, even if the cached token expires meanwhile.
      sandbox.fault({ kind: "status", status, times: 2 });
      await until(
        () => watch.lines.filter((line) => line.includes('"type":"token"')).length > 1,
        "a token after the rejections",
      );
      const result = await watch.stop("SIGTERM");

      const types = watch.lines.map((line) => JSON.parse(line).type);
      assert.equal(types.filter((type) => type === "error").length, 2);
      assert.deepEqual([result.status, result.stderr], [0, ""]);
    });
  }

  test("exits with 1 after a permanent failure, once the cached token has expired", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 20_000 } });
    const { flags, env } = apis(sandbox).fluz;
    const watch = start(t, ["watch", ...flags, "--timeout", "5m", "--events"], { env, speed: SPEED });
    await watch.said(1);
    sandbox.fault({ kind: "no-token" });

    const { status, stdout, stderr } = await watch.ended;

    assert.equal(status, 1);
    assert.match(stderr, /^graphql-token-manager watch: protocol: [^\n]+\n$/);
    const failures = stdout.split("\n").filter((line) => line.includes('"type":"error"'));
    const [first, last] = [failures.at(0), failures.at(-1)].map((line = "") => JSON.parse(line));
    assert.deepEqual([first.tokenStillValid, first.error.code], [true, "protocol"]);
    assert.equal(last.tokenStillValid, false);
  });

  test("exits with 1 if the file cannot be written", async (t) => {
    const sandbox = await sandboxFor(t);
    const { flags, env } = apis(sandbox).fluz;
    const folder = await folderFor(t);
    await mkdir(join(folder, "taken"));

    for (const file of [join(folder, "taken"), join(folder, "missing/token")]) {
      const result = await run(["watch", ...flags, "--output", file], { env });

      assert.equal(result.status, 1);
      assert.match(result.stderr, /^graphql-token-manager watch: (EISDIR|ENOENT): [^\n]+\n$/);
      assert.deepEqual(await readdir(folder), ["taken"]);
    }
  });

  test("exits at once on a signal, also while a request to the provider is pending", async (t) => {
    const sandbox = await sandboxFor(t, { faults: [{ kind: "delay", ms: 60_000 }] });
    const { flags, env } = apis(sandbox).fluz;
    const watch = start(t, ["watch", ...flags], { env });
    await until(() => sandbox.requests().length > 0, "a request was sent");

    const result = await watch.stop("SIGTERM");

    assert.deepEqual(result, { status: 0, stdout: "", stderr: "" });
  });

  test("is terminated by a second signal if the first has it wait for the response to a grant", async (t) => {
    const sandbox = await sandboxFor(t, { faults: [{ kind: "delay", ms: 2 * TEST_TIMEOUT_MS }] });
    const { flags, env } = apis(sandbox).fluz;
    const store = await folderFor(t);
    const watch = start(t, ["watch", ...flags, "--store", store, "--timeout", "1h"], { env });
    await until(() => sandbox.requests().length > 0, "a request was sent");

    // A signal that arrives before the previous one was handled is merged with it.
    watch.child.kill("SIGTERM");
    const again = setInterval(() => watch.child.kill("SIGTERM"), 200);
    await watch.ended.finally(() => clearInterval(again));

    assert.deepEqual([watch.child.exitCode, watch.child.signalCode], [null, "SIGTERM"]);
  });

  test("exits when its output is closed", async (t) => {
    const sandbox = await sandboxFor(t, SHORT);
    const { flags, env } = apis(sandbox).fluz;
    const watch = start(t, ["watch", ...flags], { env });
    await watch.said(1);

    watch.child.stdout.destroy();
    await once(watch.child, "exit");

    assert.equal(watch.child.exitCode, 0);
    assert.equal(watch.stderr, "");
  });
});
