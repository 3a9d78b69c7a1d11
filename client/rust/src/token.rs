use std::{env, fmt, fs, future::Future, path::PathBuf, pin::Pin, sync::Arc};

type Asked = Pin<Box<dyn Future<Output = std::result::Result<String, String>> + Send>>;

/// The bearer token that proves who calls, or a way to get one. It is asked for at each call.
#[derive(Clone)]
pub struct Token(Arc<dyn Fn() -> Asked + Send + Sync>);

impl Token {
    /// Always uses this token.
    pub fn fixed(token: impl Into<String>) -> Self {
        let token = token.into();
        Self::from_fn(move || std::future::ready(Ok(token.clone())))
    }

    /// Reads the token from a file. The file is read for each call, since mounted tokens rotate.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::from_fn(move || std::future::ready(read(&path)))
    }

    /// Reads the token from an environment variable. The variable is read for each call.
    pub fn variable(name: impl Into<String>) -> Self {
        let name = name.into();
        Self::from_fn(move || {
            std::future::ready(env::var(&name).map_err(|_| format!("The variable {name} holds no token.")))
        })
    }

    /// Gets each token from a function, which may ask an identity service. Its `Err` says why there is no token, in a sentence
    /// without a secret.
    ///
    /// ```
    /// use artifact_registry_functions::Token;
    ///
    /// let token = Token::from_fn(|| async { Err("Nobody is logged in.".to_owned()) });
    /// ```
    pub fn from_fn<F, Answer>(ask: F) -> Self
    where
        F: Fn() -> Answer + Send + Sync + 'static,
        Answer: Future<Output = std::result::Result<String, String>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask())))
    }

    pub(crate) async fn get(&self) -> std::result::Result<String, String> {
        let token = (self.0)().await?;
        match token.trim() {
            "" => Err("The token is empty.".to_owned()),
            trimmed => Ok(trimmed.to_owned()),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token([redacted])")
    }
}

fn read(path: &PathBuf) -> std::result::Result<String, String> {
    fs::read_to_string(path).map_err(|_| format!("The file {} holds no token.", path.display()))
}
