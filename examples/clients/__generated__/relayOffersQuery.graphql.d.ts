declare const query: import("relay-runtime").ConcreteRequest;
export default query;
