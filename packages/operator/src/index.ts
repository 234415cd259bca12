export { createOperator, type Operator, type OperatorOptions } from "./operator.ts";
