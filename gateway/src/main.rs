//! The `sagitta` program.

use std::io::Write as _;
use std::process::ExitCode;

use gateway::command::{self, Command, ServeOptions};
use gateway::dumps;
use gateway::manage::{self, ManageError};
use gateway::requests::log::log_panics_without_data;
use gateway::serve::{first_code, prepare, stop_signal};
use gateway::upkeep;

fn main() -> ExitCode {
    if dumps::refuse().is_err() {
        eprintln!("sagitta: the system may keep an image of the memory if the program crashes");
    }
    let outcome = match command::parse(std::env::args_os().skip(1).collect()) {
        Ok(Command::Serve(options)) => serve(options),
        Ok(Command::User(config, command)) => answer(manage::users(&config, command)),
        Ok(Command::VerifyAudit(config)) => answer(manage::verify_audit(&config)),
        Ok(Command::Store(options, command)) => answer(upkeep::store(&options, command)),
        Ok(Command::Doctor(options, look)) => answer(upkeep::doctor(&options, look)),
        Ok(Command::Help) => print(command::HELP),
        Ok(Command::Version) => print(concat!("sagitta ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sagitta: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(options: ServeOptions) -> anyhow::Result<()> {
    log_panics_without_data();
    let server = prepare(options).await?;
    let stop = stop_signal()?;
    // The port is open: the first request waits in its queue until `run` takes it.
    print(&format!("Sagitta is ready at {}\n", server.url()))?;
    if let Some(login) = &server.state().login
        && let Some(code) = first_code(login)?
    {
        print(&format!(
            "Nobody can log in yet. Open {}auth/first, name the user admin, and use the code {code}\n",
            server.url()
        ))?;
    }
    Ok(server.run(stop).await?)
}

fn answer(done: Result<String, ManageError>) -> anyhow::Result<()> {
    print(&done?)
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
