//! The protocol: JSON-RPC in lines, over standard input and output.

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{QuitReason, RequestContext, RoleServer, ServerInitializeError};
use rmcp::{ErrorData, ServerHandler, ServiceExt};

use super::Reply;
use super::question::{Question, tools};

/// What an agent is told once, when it connects.
const INSTRUCTIONS: &str = "Spendbar reads the logs of coding agents and the bills of AI providers on \
    this machine. Ask it what today cost (spend_today), what this session cost (session_cost), what \
    is left of the budgets (budget_left), and where spend went (report). ≈ marks an estimate at list \
    price, – what is not known, which is not zero. Nothing here changes anything.";

/// Answers a question, or says for the agent why it can't. It may block.
pub type Ask = dyn Fn(Question) -> Result<Reply, String> + Send + Sync;

/// Why the server could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The tools that are built in are broken.
    #[error("the tools' descriptions are broken: {0}")]
    Tools(#[from] serde_json::Error),
    /// Something other than a client of the protocol is at the other end.
    #[error(
        "{0}. This is a server for agents, which start it themselves: `spendbar mcp --help` shows how"
    )]
    Beginning(String),
    /// The service ended by itself.
    #[error("the connection broke: {0}")]
    Broken(String),
}

struct Server {
    tools: Vec<Tool>,
    ask: Arc<Ask>,
}

/// Serves the agent at the other end of standard input and output until it closes them.
///
/// # Errors
/// The other end does not speak the protocol.
pub async fn serve(ask: Arc<Ask>) -> Result<(), ServeError> {
    let server = Server { tools: tools()?, ask };
    let running = match server.serve(rmcp::transport::stdio()).await {
        Ok(running) => running,
        // It left before it said anything.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(ServerInitializeError::ExpectedInitializeRequest(_)) => {
            return Err(ServeError::Beginning("the first message did not begin a session".into()));
        }
        Err(error) => return Err(ServeError::Beginning(error.to_string())),
    };
    match running.waiting().await {
        Ok(QuitReason::Closed | QuitReason::Cancelled) => Ok(()),
        Ok(QuitReason::JoinError(error)) | Err(error) => Err(ServeError::Broken(error.to_string())),
        Ok(other) => Err(ServeError::Broken(format!("{other:?}"))),
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let named =
            Implementation::new("spendbar", env!("CARGO_PKG_VERSION")).with_title("Spendbar");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(named)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.clone()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(question) = Question::read(&request.name, request.arguments) else {
            let names: Vec<_> = self.tools.iter().map(|tool| tool.name.as_ref()).collect();
            let what =
                format!("no tool is named {:?}. There are: {}", request.name, names.join(", "));
            return Err(ErrorData::invalid_params(what, None));
        };
        let ask = Arc::clone(&self.ask);
        // The ledger blocks, and what else the agent says must not wait for it.
        let answer =
            tokio::task::spawn_blocking(move || question.and_then(|question| ask(question)))
                .await
                .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        // An agent reads an answer that says what is wrong, and can mend it; errors of the protocol
        // are for programs.
        let result = match answer {
            Ok(Reply { text, data }) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
                result.structured_content = Some(data);
                result
            }
            Err(what) => CallToolResult::error(vec![ContentBlock::text(what)]),
        };
        Ok(result.into())
    }
}
